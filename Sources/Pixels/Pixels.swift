package struct Picture: Sendable, Equatable { 
    package let side: Int; package var rgb: [UInt8]
    package init(side: Int, rgb: [UInt8]) { self.side = side; self.rgb = rgb } }
