package struct Calibration: Sendable, Codable, Equatable {
    package init(budget: Double) {}
    package mutating func observe(_ score: Float, at time: Double) {}
    package var threshold: Float? { nil }
}
