// What netpolctl prints with --output=json.
#ifndef NETPOL_ENFORCER_JSON_FORM_H_
#define NETPOL_ENFORCER_JSON_FORM_H_

#include <string>

#include "google/protobuf/message.h"

namespace netpol {

// `message` as indented JSON with a line end, field names in lowerCamelCase.
// Fields that are set are there, and so are all lists, also empty ones.
std::string JsonOf(const google::protobuf::Message& message);

// On one line, for a program that makes the same message of it: what is not set
// is not there.
std::string WireJsonOf(const google::protobuf::Message& message);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_JSON_FORM_H_
