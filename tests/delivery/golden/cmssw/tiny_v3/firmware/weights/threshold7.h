// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
//Numpy array shape [1]
//Min 56.250000000000
//Max 56.250000000000
//Number of zeros 0

#ifndef THRESHOLD7_H_
#define THRESHOLD7_H_

namespace l1ae_tiny_v3 {

threshold7_t threshold7[1] = {56.2500};

}


#endif
