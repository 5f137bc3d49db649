#include "netpol/enforcer/json_form.h"

#include "google/protobuf/util/json_util.h"

namespace netpol {

std::string JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails for unresolvable Any messages only, and ours have none.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options)
           .ok()) {
    return "{}\n";
  }
  if (json.empty() || json.back() != '\n') json += '\n';
  return json;
}

std::string WireJsonOf(const google::protobuf::Message& message) {
  std::string json;
  const auto written =
      google::protobuf::util::MessageToJsonString(message, &json);
  return written.ok() ? json : "{}";
}

}  // namespace netpol
