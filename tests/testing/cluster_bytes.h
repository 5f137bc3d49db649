// API objects as bytes that are equal when the objects are.
#ifndef NETPOL_TESTS_TESTING_CLUSTER_BYTES_H_
#define NETPOL_TESTS_TESTING_CLUSTER_BYTES_H_

#include <string>

#include "google/protobuf/message.h"
#include "netpol/testing/cluster.h"

namespace netpol {

// Maps in the order of their keys.
std::string Bytes(const google::protobuf::Message& message);

std::string Bytes(const Cluster& cluster);

}  // namespace netpol

#endif  // NETPOL_TESTS_TESTING_CLUSTER_BYTES_H_
