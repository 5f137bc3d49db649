#include "tests/testing/cluster_bytes.h"

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace netpol {

std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Bytes(const Cluster& cluster) {
  std::string bytes;
  for (const auto& ns : cluster.namespaces) bytes += Bytes(ns) + "\n";
  for (const auto& node : cluster.nodes) bytes += Bytes(node) + "\n";
  for (const auto& pod : cluster.pods) bytes += Bytes(pod) + "\n";
  for (const auto& policy : cluster.policies) bytes += Bytes(policy) + "\n";
  return bytes;
}

}  // namespace netpol
