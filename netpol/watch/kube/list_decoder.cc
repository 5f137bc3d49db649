#include "netpol/watch/kube/list_decoder.h"

#include <utility>

#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/body_format.h"
#include "netpol/watch/kube/json_list_cutter.h"
#include "netpol/watch/kube/json_object.h"
#include "netpol/watch/kube/object_decoder.h"
#include "netpol/watch/kube/protobuf_list_cutter.h"

namespace netpol {
namespace {

absl::StatusOr<v1::WatchEvent> DecodeProtobuf(v1::WatchEvent::Kind kind,
                                              absl::string_view bytes) {
  return DecodeItem(kind, bytes);
}

absl::StatusOr<v1::WatchEvent> DecodeJson(v1::WatchEvent::Kind kind,
                                          absl::string_view text) {
  ASSIGN_OR_RETURN(const std::string bytes, EncodeJsonObject(kind, text));
  return DecodeItem(kind, bytes);
}

using Decode = absl::StatusOr<v1::WatchEvent> (*)(v1::WatchEvent::Kind,
                                                  absl::string_view);

template <typename Cutter, Decode kDecode>
class CuttingListDecoder : public ListDecoder {
 public:
  CuttingListDecoder(v1::WatchEvent::Kind kind, ItemSink items, BadItemSink bad)
      : kind_(kind),
        items_(std::move(items)),
        bad_(std::move(bad)),
        cutter_(ApiKindOf(kind),
                [this](absl::string_view object) { OnObject(object); }) {}

  // A broken body stays broken, whatever follows.
  absl::Status Append(absl::string_view bytes) override {
    if (status_.ok()) status_ = cutter_.Append(bytes);
    return status_;
  }

  absl::Status Finish() override {
    if (status_.ok()) status_ = cutter_.Finish();
    return status_;
  }

  const std::string& resource_version() const override {
    return cutter_.metadata().resource_version();
  }
  const std::string& continue_token() const override {
    return cutter_.metadata().continue_();
  }

 private:
  void OnObject(absl::string_view object) {
    absl::StatusOr<v1::WatchEvent> event = kDecode(kind_, object);
    if (event.ok()) {
      items_(*std::move(event));
    } else {
      bad_(event.status());
    }
  }

  const v1::WatchEvent::Kind kind_;
  const ItemSink items_;
  const BadItemSink bad_;
  Cutter cutter_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ListDecoder>> ListDecoder::Create(
    absl::string_view content_type, v1::WatchEvent::Kind kind, ItemSink items,
    BadItemSink bad) {
  ASSIGN_OR_RETURN(const BodyFormat format, BodyFormatOf(content_type));
  std::unique_ptr<ListDecoder> decoder;
  if (format == BodyFormat::kProtobuf) {
    decoder = std::make_unique<
        CuttingListDecoder<ProtobufListCutter, DecodeProtobuf>>(
        kind, std::move(items), std::move(bad));
  } else {
    decoder = std::make_unique<CuttingListDecoder<JsonListCutter, DecodeJson>>(
        kind, std::move(items), std::move(bad));
  }
  return decoder;
}

}  // namespace netpol
