#pragma once
// Nothing of it is needed on the host.
