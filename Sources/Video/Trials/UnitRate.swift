import Sampling
import Synchronization

/// Measures how many coded units a second a source gives, by their time stamps.
final class UnitRate: UnitTaker {
    private struct State {
        var session = 0
        var stamps: [Double] = []
        var isMeasured = false
        var tell: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())
    /// The seconds of units after which the rate is known well enough.
    private static let enough = 1.0
    /// The greatest number of times that are kept.
    private static let most = 1000

    /// Calls back once when the rate is known; called on a streaming thread.
    func onMeasured(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.tell = tell } }

    /// Whether enough units have come.
    var isMeasured: Bool { state.withLock { $0.isMeasured } }

    /// The units a second, to a hundredth, by the usual distance of their times; nil of fewer than four units.
    ///
    /// Units that a server sends all at once at the beginning count by their times, too.
    var fps: Double? {
        let stamps = state.withLock { $0.stamps.sorted() }
        let gaps = zip(stamps.dropFirst(), stamps).map { $0 - $1 }.filter { $0 > 1e-4 }.sorted()
        return gaps.count < 3 ? nil : (100 / gaps[gaps.count / 2]).rounded() / 100
    }

    /// Units are copied only until the rate is known.
    var isWanted: Bool { !isMeasured }

    func beginSession() -> Int {
        state.withLock { state in
            state.session += 1
            if !state.isMeasured { state.stamps = [] }
            return state.session
        }
    }

    func learn(_ format: CodedFormat, of session: Int) {}
    func refuse(_ kind: String, of session: Int) {}

    func take(_ unit: CodedUnit, of session: Int) {
        guard let stamp = unit.stamp else { return }
        let tell = state.withLock { state -> (@Sendable () -> Void)? in
            guard session == state.session else { return nil }
            guard state.stamps.count < Self.most else { return nil }
            state.stamps.append(stamp)
            guard !state.isMeasured, stamp - state.stamps[0] >= Self.enough else { return nil }
            state.isMeasured = true
            return state.tell
        }
        tell?()
    }
}
