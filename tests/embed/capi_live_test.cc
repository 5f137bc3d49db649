// The C library follows a real API server by itself.
#include <string>
#include <vector>
