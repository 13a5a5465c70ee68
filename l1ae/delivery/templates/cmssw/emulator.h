#pragma once

#include <any>

namespace hls4mlEmulator {

// The interface that CMSSW asks a model through. The order of the functions is part of it: a loader was compiled with it.
class Model {
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
};

} // namespace hls4mlEmulator
