"""What the three stories share: feature tables, ONNX graphs written node by node, and the files a story commits."""
