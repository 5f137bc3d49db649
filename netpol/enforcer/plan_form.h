// A plan as the message that `netpolctl plan --output=json` prints.
#ifndef NETPOL_ENFORCER_PLAN_FORM_H_
#define NETPOL_ENFORCER_PLAN_FORM_H_

#include "netpol/sync/plan.h"
#include "proto/netpol/plan.pb.h"

namespace netpol {

v1::Plan PlanToProto(const Plan& plan);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_PLAN_FORM_H_
