// What many objects of a cluster have in common, kept once.
#ifndef NETPOL_STATE_SHARED_PARTS_H_
#define NETPOL_STATE_SHARED_PARTS_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/base/shared_value.h"
#include "netpol/policy/objects.h"
#include "netpol/policy/selector.h"

namespace netpol {

// Replicas have the same labels and ports, pods of a node its name, policies
// the same selectors. Thread-compatible.
class SharedParts {
 public:
  // Makes the object hold the one copy of each part.
  void Share(Pod& pod);
  void Share(NetworkPolicy& policy);

 private:
  SharedPool<std::string> labels_;
  SharedPool<std::string> node_names_;
  SharedPool<std::vector<NamedPort>> ports_;
  SharedPool<std::vector<IpAddress>> host_addresses_;
  SharedPool<std::vector<Requirement>> selectors_;
};

}  // namespace netpol

#endif  // NETPOL_STATE_SHARED_PARTS_H_
