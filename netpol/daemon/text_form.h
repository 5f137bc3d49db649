// What netpolctl prints for people, from the same messages as its JSON.
#ifndef NETPOL_DAEMON_TEXT_FORM_H_
#define NETPOL_DAEMON_TEXT_FORM_H_

#include <string>

#include "proto/netpol/status.pb.h"

namespace netpol {

// Several lines each, with a line end. Problems are not in it: they go to
// stderr, see ProblemLine().
std::string TextOf(const v1::ApplyResult& result);
std::string TextOf(const v1::CleanupResult& result);
std::string TextOf(const v1::PipelineResult& result);
std::string TextOf(const v1::KernelState& state);
std::string TextOf(const v1::CheckResult& result);
std::string TextOf(const v1::VersionInfo& version);

// "error: web.yaml:3: …", with a line end.
std::string ProblemLine(const v1::Problem& problem);

}  // namespace netpol

#endif  // NETPOL_DAEMON_TEXT_FORM_H_
