// The cases of this repository: which there are, and what their steps tell.
#ifndef NETPOL_TESTS_CASES_CASE_FOLDERS_H_
#define NETPOL_TESTS_CASES_CASE_FOLDERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/cases/case_reader.h"

namespace netpol {

// The folder of the folders, as a test with the data of //tests/cases sees it.
inline constexpr char kCaseData[] = "tests/cases/data";

// The ids of all cases, sorted; none if the data is not there.
std::vector<std::string> CaseIds();

// ReadCase() for the case of that id.
absl::StatusOr<Case> ReadCaseById(absl::string_view id);

// What happens in `step`, in order: deletions, then what is created or
// replaced. InvalidArgument if any part of a manifest is not understood; kinds
// that no policy looks at are skipped.
absl::StatusOr<std::vector<v1::WatchEvent>> EventsOf(const CaseStep& step);

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_CASE_FOLDERS_H_
