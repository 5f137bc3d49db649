// Verdicts as a table for people.
#ifndef NETPOL_TESTS_DEMO_REACH_TABLE_H_
#define NETPOL_TESTS_DEMO_REACH_TABLE_H_

#include <string>

#include "tests/demo/scene.h"
#include "tests/demo/screen.h"

namespace netpol {

// IPv4's verdicts: a row for each sender, a column for each target, at most
// kScreenWidth wide. Cells that are not as in `before` (null: no such marks)
// stand in brackets; cells of paths that do not cross the node are empty. The
// last line says whether IPv6's verdicts are the same.
std::string FormatTable(const Scene& scene, const Verdicts& verdicts,
                        const Verdicts* before, ScreenStyle style);

// What the signs in the table mean, in a line.
std::string TableLegend(ScreenStyle style);

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_REACH_TABLE_H_
