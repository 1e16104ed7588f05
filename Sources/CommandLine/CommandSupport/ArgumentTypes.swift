import ArgumentParser
import Matching
import StreamSources
import Tensors

// Enums that several commands take as option values, by the names of their cases.

extension DecodeMode: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension RTSPTransport: ExpressibleByArgument {}
extension ClipSelection: ExpressibleByArgument {}
