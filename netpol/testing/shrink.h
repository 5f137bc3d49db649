// From a long input that fails to a short one that still does.
#ifndef NETPOL_TESTING_SHRINK_H_
#define NETPOL_TESTING_SHRINK_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "google/protobuf/message.h"

namespace netpol {

// Asked before each attempt: false ends the search with what it has found.
using MayGoOn = std::function<bool()>;

// Positions, of `size`, such that `fails` for them and for none that lacks one
// more of them; ascending. Delta debugging: runs of positions are left out,
// first halves, in the end single ones. All of them together must fail; that is
// not tried again. The same answers of `fails` give the same result.
std::vector<size_t> ShrinkList(
    size_t size, const std::function<bool(const std::vector<size_t>&)>& fails,
    const MayGoOn& may_go_on);

// Takes away fields and list elements of `message`, at any depth, as long as
// `fails` for the rest. As it stands it must fail. Deterministic as above.
void ShrinkMessage(
    const std::function<bool(const google::protobuf::Message&)>& fails,
    const MayGoOn& may_go_on, google::protobuf::Message& message);

}  // namespace netpol

#endif  // NETPOL_TESTING_SHRINK_H_
