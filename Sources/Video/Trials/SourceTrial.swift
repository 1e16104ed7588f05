import Concurrency
package import Foundation
package import Ingest
import Pixels
import Printing
package import Sampling
package import StreamSources
import Synchronization

/// Opens a source for some seconds, as a stream would, and tells what plays.
///
/// Nothing of it is scored, recorded or kept. A source that does not stop in time is left to stop by itself.
package struct SourceTrial: Sendable {
    /// A source that plays.
    package struct Playing: Sendable {
        package let format: SourceFormat
        /// Whether the source has no end.
        package let isLive: Bool
        /// Frames a second: what the stream says, unless a second of its units says otherwise; nil if unknown.
        package let fps: Double?
        /// The seconds from the opening to the first picture.
        package let seconds: Double
        /// The first picture, a JPEG file of at most 320 pixels a side.
        package let jpeg: Data
    }

    package enum Outcome: Sendable {
        case plays(Playing)
        /// The sentence that says why there is no picture, without secrets.
        case fails(String)
    }

    /// The longest time from the opening to the answer, without the stop.
    package static let limit = Duration.seconds(10)
    /// The longest wait for the stop of a source that has answered.
    private static let stopLimit = Duration.seconds(2)
    /// How long a live source is measured after its first picture.
    private static let measuring = Duration.seconds(1.5)
    /// How long a source on a web server is given to say whether it has an end.
    private static let learning = Duration.seconds(0.5)
    /// The longest reason, in bytes.
    private static let longest = 1000
    /// The longest side of the picture, in pixels.
    private static let side = 320

    private enum Signal: Sendable {
        case picture(Frame)
        case live, measured, ended
        case failed(String)
    }

    private let description: SourceDescription
    private let source: VideoSource
    private let units = UnitRate()
    private let signals: Mailbox<Signal?>

    /// Checks that the source can be made; throws as a stream's runner does.
    package init(_ description: SourceDescription, templates: PipelineTemplates) throws(SourceError) {
        var description = description
        description.previews = true
        (description.realtime, description.loop, description.regions) = (false, false, [:])
        self.description = description
        let signals = Mailbox<Signal?>(timeout: nil)
        self.signals = signals
        let once = Once()
        units.onMeasured { signals.send(.measured) }
        source = try VideoSource(
            description, templates: templates, patience: Self.limit * 0.8, units: units,
            onFrame: { frame in
                if once.begins { signals.send(.picture(frame)) }
            },
            onEvent: { event in
                switch event {
                case .live: signals.send(.live)
                case .endOfStream: signals.send(.ended)
                case .failed(let why), .busy(let why, _): signals.send(.failed(why))
                case .started, .formatChanged, .warning: break
                }
            })
    }

    /// Ends a run early: it answers with what it has, and closes the source.
    package func cancel() { signals.send(.failed("\(shown): Watchword ended before it was looked at")) }

    /// Opens the source, waits for its first picture, and closes it.
    ///
    /// `done` is called when it has stopped and its opening has returned, which may be after the answer.
    package func run(done: @escaping @Sendable () -> Void) async -> Outcome {
        let begun = ContinuousClock.now
        let (source, signals) = (source, signals)
        let opened = DispatchSemaphore(value: 0)
        Thread {
            do throws(SourceError) { try source.start() } catch { signals.send(.failed(error.description)) }
            opened.signal()
        }.start()
        let outcome = await watch(from: begun)
        _ = await offPool(atMost: Self.stopLimit) {
            source.stop()
            opened.wait()
            done()
        }
        return outcome
    }

    private func watch(from begun: ContinuousClock.Instant) async -> Outcome {
        let deadline = begun + Self.limit
        var until = deadline
        var isLive = source.isLive
        var found: (frame: Frame, seconds: Double)?
        waiting: while let signal = await signals.next(until: until) {
            switch signal {
            case .live: isLive = true
            case .measured: if found != nil { break waiting }
            case .ended: break waiting
            case .failed(let why):
                guard found == nil else { break waiting }
                return .fails(SourceURI.redacted(why).excerpt(Self.longest))
            case .picture(let frame):
                found = (frame, (ContinuousClock.now - begun) / .seconds(1))
                guard isLive || source.kind == .remote, !units.isMeasured else { break waiting }
                until = min(deadline, .now + (isLive ? Self.measuring : Self.learning))
            }
        }
        guard let found else { return .fails(silence.excerpt(Self.longest)) }
        guard let format = source.format, let jpeg = found.frame.preview?.atMost(Self.side).jpeg(quality: 80) else {
            return .fails("\(shown): it was stopped before it was looked at; try again".excerpt(Self.longest))
        }
        return .plays(
            Playing(
                format: format, isLive: isLive, fps: Self.rate(said: format.fps, measured: units.fps),
                seconds: found.seconds, jpeg: jpeg))
    }

    /// The rate that a stream says, or the measured one where that is another.
    ///
    /// Times of the first units are a little off: they follow the sender's clock, which is not known well yet.
    private static func rate(said: Double?, measured: Double?) -> Double? {
        guard let said, let measured else { return said ?? measured }
        return abs(said - measured) <= 0.2 * said ? said : measured
    }

    private var shown: String { SourceURI.redacted(description.uri) }

    /// Why there is no picture, of a source that has said nothing.
    private var silence: String {
        let seconds = Int(Self.limit / .seconds(1))
        return source.activity.heard.anything == nil
            ? "\(shown): nothing has come of it within \(seconds) s; check the camera and the network"
            : "\(shown): data comes, but no picture within \(seconds) s; its keyframes may be further apart than that"
    }
}

/// A flag that is raised once.
private final class Once: Sendable {
    private let hasBegun = Atomic(false)
    /// True for the first who asks.
    var begins: Bool { !hasBegun.exchange(true, ordering: .relaxed) }
}
