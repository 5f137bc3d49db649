#include "netpol/watch/kube/collection_request.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/watch/kube/url_query.h"

namespace netpol {
namespace {

constexpr char kAccept[] =
    "application/vnd.kubernetes.protobuf, application/json";
constexpr absl::Duration kSilence = absl::Minutes(3);

// `parameters` begin with an ampersand, unless there are none.
HttpRequest RequestFor(const Collection& collection, std::string parameters) {
  if (!collection.field_selector.empty()) {
    absl::StrAppend(&parameters,
                    "&fieldSelector=", EscapeQuery(collection.field_selector));
  }
  HttpRequest request;
  request.url = collection.url;
  if (!parameters.empty())
    absl::StrAppend(&request.url, "?", parameters.substr(1));
  request.accept = kAccept;
  return request;
}

}  // namespace

HttpRequest ListRequest(const Collection& collection,
                        const ListQuestion& question) {
  std::string parameters;
  if (question.page_size > 0)
    absl::StrAppend(&parameters, "&limit=", question.page_size);
  if (!question.continue_token.empty()) {
    absl::StrAppend(&parameters,
                    "&continue=", EscapeQuery(question.continue_token));
  } else if (question.freshness == Freshness::kAny) {
    parameters += "&resourceVersion=0";
  } else if (question.freshness == Freshness::kNotOlder) {
    absl::StrAppend(
        &parameters, "&resourceVersionMatch=NotOlderThan",
        "&resourceVersion=", EscapeQuery(question.resource_version));
  }
  return RequestFor(collection, std::move(parameters));
}

HttpRequest WatchRequest(const Collection& collection,
                         const WatchQuestion& question) {
  std::string parameters =
      absl::StrCat("&watch=1&allowWatchBookmarks=1&timeoutSeconds=",
                   absl::ToInt64Seconds(question.length));
  if (question.initial_events)
    parameters += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  if (!question.resource_version.empty()) {
    absl::StrAppend(&parameters, "&resourceVersion=",
                    EscapeQuery(question.resource_version));
  }
  HttpRequest request = RequestFor(collection, std::move(parameters));
  request.idle_timeout = kSilence;
  request.total_timeout = question.length + absl::Minutes(1);
  return request;
}

}  // namespace netpol
