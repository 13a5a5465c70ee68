//Numpy array shape [4]
//Min -0.625000000000
//Max 0.250000000000
//Number of zeros 0

#ifndef B3_H_
#define B3_H_

namespace l1ae_tiny_v3 {

enc0_bias_t b3[4] = {-0.375, 0.250, -0.125, -0.625};

}


#endif
