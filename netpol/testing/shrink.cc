#include "netpol/testing/shrink.h"

#include <algorithm>
#include <memory>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace netpol {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::vector<size_t> WithoutRun(const std::vector<size_t>& list, size_t first,
                               size_t count) {
  std::vector<size_t> rest(list.begin(),
                           list.begin() + static_cast<std::ptrdiff_t>(first));
  const size_t end = std::min(list.size(), first + count);
  rest.insert(rest.end(), list.begin() + static_cast<std::ptrdiff_t>(end),
              list.end());
  return rest;
}

std::string Bytes(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Works on the parts of one message in place, and shows the whole to `fails`.
class MessageShrinker {
 public:
  MessageShrinker(const std::function<bool(const Message&)>& fails,
                  const MayGoOn& may_go_on, Message& whole)
      : fails_(fails), may_go_on_(may_go_on), whole_(whole) {}

  // Whether anything could be taken away from `part`.
  bool Shrink(Message& part) {
    std::vector<const FieldDescriptor*> fields;
    part.GetReflection()->ListFields(part, &fields);
    bool changed = false;
    for (const FieldDescriptor* field : fields) {
      if (field->is_map()) {
        changed |= ShrinkMap(part, field);
      } else if (field->is_repeated()) {
        changed |= ShrinkRepeated(part, field);
      } else {
        changed |= ShrinkSingular(part, field);
      }
    }
    return changed;
  }

 private:
  // Whether the whole still fails without what `remove` takes from `part`; else
  // `part` is as it was.
  bool Try(Message& part, const std::function<void()>& remove) {
    if (!may_go_on_()) return false;
    const std::unique_ptr<Message> before(part.New());
    before->CopyFrom(part);
    remove();
    if (fails_(whole_)) return true;
    part.CopyFrom(*before);
    return false;
  }

  bool ShrinkSingular(Message& part, const FieldDescriptor* field) {
    const Reflection* reflection = part.GetReflection();
    if (Try(part, [&] { reflection->ClearField(&part, field); })) return true;
    return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
           Shrink(*reflection->MutableMessage(&part, field));
  }

  bool ShrinkRepeated(Message& part, const FieldDescriptor* field) {
    const Reflection* reflection = part.GetReflection();
    bool changed = false;
    for (int i = reflection->FieldSize(part, field) - 1; i >= 0; --i) {
      const auto remove = [&] {
        const int size = reflection->FieldSize(part, field);
        for (int j = i; j + 1 < size; ++j) {
          reflection->SwapElements(&part, field, j, j + 1);
        }
        reflection->RemoveLast(&part, field);
      };
      if (Try(part, remove)) {
        changed = true;
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        changed |= Shrink(*reflection->MutableRepeatedMessage(&part, field, i));
      }
    }
    return changed;
  }

  // In the order of the entries' bytes: that of the map is another each time.
  bool ShrinkMap(Message& part, const FieldDescriptor* field) {
    const Reflection* reflection = part.GetReflection();
    std::vector<std::string> entries;
    for (int i = 0; i < reflection->FieldSize(part, field); ++i) {
      entries.push_back(Bytes(reflection->GetRepeatedMessage(part, field, i)));
    }
    std::sort(entries.begin(), entries.end());
    bool changed = false;
    for (size_t i = 0; i < entries.size();) {
      std::vector<std::string> rest = entries;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      const auto remove = [&] {
        reflection->ClearField(&part, field);
        for (const std::string& entry : rest) {
          reflection->AddMessage(&part, field)->ParseFromString(entry);
        }
      };
      if (Try(part, remove)) {
        changed = true;
        entries = rest;
      } else {
        ++i;
      }
    }
    return changed;
  }

  const std::function<bool(const Message&)>& fails_;
  const MayGoOn& may_go_on_;
  Message& whole_;
};

}  // namespace

std::vector<size_t> ShrinkList(
    size_t size, const std::function<bool(const std::vector<size_t>&)>& fails,
    const MayGoOn& may_go_on) {
  std::vector<size_t> kept(size);
  for (size_t i = 0; i < size; ++i) kept[i] = i;
  size_t run = std::max<size_t>(1, size / 2);
  for (;;) {
    bool changed = false;
    // From the end, so that what stands before is still there when it is tried.
    size_t end = kept.size();
    while (end > 0) {
      const size_t first = end > run ? end - run : 0;
      if (!may_go_on()) return kept;
      std::vector<size_t> rest = WithoutRun(kept, first, end - first);
      if (fails(rest)) {
        kept = std::move(rest);
        changed = true;
      }
      end = first;
    }
    if (run == 1 && !changed) return kept;
    run = std::max<size_t>(1, run / 2);
  }
}

void ShrinkMessage(const std::function<bool(const Message&)>& fails,
                   const MayGoOn& may_go_on, Message& message) {
  MessageShrinker shrinker(fails, may_go_on, message);
  while (shrinker.Shrink(message)) {
  }
}

}  // namespace netpol
