// When a set that grows is better rebuilt than grown by the kernel.
#ifndef NETPOL_SYNC_HASH_GROWTH_H_
#define NETPOL_SYNC_HASH_GROWTH_H_

#include <cstddef>
#include <cstdint>

namespace netpol {

// The kernel doubles the hash of a set when a bucket holds its 12 members: at
// four to six members for each bucket, less in large hashes. Each doubling
// waits for a grace period (4-13 ms measured), during which nobody changes
// sets. Filling a new set costs 0.3 us for each member, and no wait.

// Whether a set whose hash has `hash_size` buckets is better rebuilt, and
// swapped, for `members` than filled in place: it would pass two members for
// each bucket, and the doublings that this leads to cost more than the members.
// Beyond 32,768 members for each doubling the kernel is cheaper.
//
// A set that was made for n members (HashSizeFor) has room for 2n to 4n, so
// that a set that grows one by one is seldom rebuilt; one that shrank, never.
bool BetterRebuilt(uint32_t hash_size, size_t members);

// What to take the size of the hash for once the set was filled in place to
// `members`: not less than it is, as long as the kernel may still double.
uint32_t HashSizeGrown(uint32_t hash_size, size_t members);

}  // namespace netpol

#endif  // NETPOL_SYNC_HASH_GROWTH_H_
