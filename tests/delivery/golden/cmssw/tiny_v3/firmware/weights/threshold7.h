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
