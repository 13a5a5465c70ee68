// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
//Numpy array shape [57]
//Min 0.000000000000
//Max 288.000000000000
//Number of zeros 38

#ifndef OFFSET2_H_
#define OFFSET2_H_

namespace l1ae_tiny_v3 {

offset2_t offset2[57] = {0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 288, 0, 0, 288, 0, 0, 288, 0, 0, 288, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72, 0, 0, 72};

}


#endif
