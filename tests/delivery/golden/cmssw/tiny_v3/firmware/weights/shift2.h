// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
//Numpy array shape [57]
//Min 0.000000000000
//Max 8.000000000000
//Number of zeros 5

#ifndef SHIFT2_H_
#define SHIFT2_H_

namespace l1ae_tiny_v3 {

shift2_t shift2[57] = {6, 0, 6, 5, 6, 6, 2, 4, 4, 0, 4, 4, 0, 4, 4, 5, 8, 8, 2, 6, 6, 0, 6, 6, 0, 6, 6, 6, 6, 6, 5, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6, 4, 6, 6};

}


#endif
