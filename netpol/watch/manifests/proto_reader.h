// A document tree to protobuf messages, field by field through reflection.
#ifndef NETPOL_WATCH_MANIFESTS_PROTO_READER_H_
#define NETPOL_WATCH_MANIFESTS_PROTO_READER_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "netpol/watch/manifests/document_tree.h"
#include "netpol/watch/manifests/field_path.h"
#include "netpol/watch/watch_source.h"

namespace netpol {

// Fills messages from trees, by the JSON names of their fields and the rules
// of the Kubernetes API machinery:
//  - null is absent; `{}` is present and empty;
//  - a value of another type than the field's is an error, nothing is
//    converted (`app: 1` is no label), but a float without a fraction is an
//    integer; null inside of a list is an error; a map's null value is "";
//  - what is no string in an ObjectMeta's annotations is left out;
//  - IntOrString takes a number or a string, Time an RFC 3339 string.
// Thread-compatible.
class ProtoReader {
 public:
  enum class Unmodelled {
    kSkip,    // Unknown fields are skipped, the last of a repeated one counts.
    kReport,  // Both are warnings and make Read return false.
  };

  // Appends what it finds to `*problems`, which must outlive it: severity,
  // place, field and message; file and object are left to the caller.
  ProtoReader(Unmodelled unmodelled, std::vector<SourceProblem>* problems)
      : unmodelled_(unmodelled), problems_(*problems) {}

  // Sets in `*message` what can be read from `node`, which stands at `path`.
  // False if anything was reported: then the message says more or less than
  // the tree meant.
  bool Read(const TreeNode& node, const FieldPath& path,
            google::protobuf::Message* message);

  // Reads into the one field `field` of `*message`; as above.
  bool ReadField(const TreeNode& node, const FieldPath& path,
                 const google::protobuf::FieldDescriptor* field,
                 google::protobuf::Message* message);

  // Reports at `node`; returns false.
  bool Error(const TreeNode& node, const FieldPath& path, std::string message);
  bool Warn(const TreeNode& node, const FieldPath& path, std::string message);

 private:
  bool ReadSingular(const TreeNode& node, const FieldPath& path,
                    const google::protobuf::FieldDescriptor* field,
                    google::protobuf::Message* message);
  bool ReadList(const TreeNode& node, const FieldPath& path,
                const google::protobuf::FieldDescriptor* field,
                google::protobuf::Message* message);
  bool ReadStringMap(const TreeNode& node, const FieldPath& path,
                     const google::protobuf::FieldDescriptor* field,
                     google::protobuf::Message* message);
  bool ReadIntOrString(const TreeNode& node, const FieldPath& path,
                       google::protobuf::Message* message);
  bool ReadTime(const TreeNode& node, const FieldPath& path,
                google::protobuf::Message* message);
  bool ReadString(const TreeNode& node, const FieldPath& path,
                  std::string* value);
  bool ReadInteger(const TreeNode& node, const FieldPath& path, int64_t lowest,
                   int64_t highest, int64_t* value);
  bool Expected(const TreeNode& node, const FieldPath& path,
                absl::string_view what);

  const Unmodelled unmodelled_;
  std::vector<SourceProblem>& problems_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_PROTO_READER_H_
