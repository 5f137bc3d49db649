// Where etcd and kube-apiserver are.
#ifndef NETPOL_TESTS_APISERVER_CONTROL_PLANE_PROGRAMS_H_
#define NETPOL_TESTS_APISERVER_CONTROL_PLANE_PROGRAMS_H_

#include <string>

#include "absl/status/statusor.h"

namespace netpol {

struct ControlPlanePrograms {
  std::string etcd;
  std::string kube_apiserver;
};

// By the convention of controller-runtime's envtest, TEST_ASSET_ETCD and
// TEST_ASSET_KUBE_APISERVER (files), else KUBEBUILDER_ASSETS (their folder);
// else from the cache of tests/apiserver/binaries/build_control_plane, which
// builds them first if they are not there: minutes, once. The caller's target
// has //tests/apiserver/binaries in its data. An error has the script's
// message.
absl::StatusOr<ControlPlanePrograms> FindControlPlanePrograms();

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_CONTROL_PLANE_PROGRAMS_H_
