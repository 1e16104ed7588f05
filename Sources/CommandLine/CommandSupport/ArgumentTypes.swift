import ArgumentParser
import Matching
import StreamSources
import Tensors

// Values that several commands take as options, by the names of their cases.

extension DecodeMode: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension RTSPTransport: ExpressibleByArgument {}
extension ClipSelection: ExpressibleByArgument {}
