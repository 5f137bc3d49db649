#include "netpol/sync/hash_growth.h"

namespace netpol {
namespace {

constexpr size_t kMembersPerBucket = 2;
constexpr size_t kMembersPerDoubling = 32768;

int Doublings(uint32_t hash_size, size_t members) {
  int doublings = 0;
  for (uint64_t size = hash_size; members > kMembersPerBucket * size; size *= 2)
    ++doublings;
  return doublings;
}

}  // namespace

bool BetterRebuilt(uint32_t hash_size, size_t members) {
  const int doublings = Doublings(hash_size, members);
  return doublings > 0 && members <= doublings * kMembersPerDoubling;
}

uint32_t HashSizeGrown(uint32_t hash_size, size_t members) {
  return hash_size << Doublings(hash_size, members);
}

}  // namespace netpol
