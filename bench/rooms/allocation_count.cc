#include "bench/rooms/allocation_count.h"

#include <cstdlib>
#include <new>

namespace netpol {
namespace {

thread_local AllocationCount count;

void* Allocate(size_t size) {
  ++count.calls;
  count.bytes += static_cast<int64_t>(size);
  void* memory = std::malloc(size == 0 ? 1 : size);
  // The rest of the program is built without a way to go on from here.
  if (memory == nullptr) std::abort();
  return memory;
}

void* AllocateAligned(size_t size, std::align_val_t alignment) {
  ++count.calls;
  count.bytes += static_cast<int64_t>(size);
  const auto align = static_cast<size_t>(alignment);
  // aligned_alloc() wants a multiple of the alignment.
  void* memory = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

AllocationCount AllocationsOfThisThread() { return count; }

}  // namespace netpol

void* operator new(size_t size) { return netpol::Allocate(size); }
void* operator new[](size_t size) { return netpol::Allocate(size); }
void* operator new(size_t size, std::align_val_t alignment) {
  return netpol::AllocateAligned(size, alignment);
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return netpol::AllocateAligned(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
