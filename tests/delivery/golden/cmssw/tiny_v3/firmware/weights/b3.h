// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
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
