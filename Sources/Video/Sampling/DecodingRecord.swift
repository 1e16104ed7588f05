package import Measures
import Synchronization

/// The counters of one stream's decoding, over all openings of its source.
///
/// Streaming threads write them, and any thread may read them.
package final class DecodingRecord: Sendable {
    private let keyframesOnly = Atomic(false)
    private let skipped = Atomic<UInt64>(0)
    private let shed = Atomic<UInt64>(0)
    private let returns = Atomic<UInt64>(0)
    private let decoding = Atomic<UInt64>(0)
    private let scaling = Atomic<UInt64>(0)
    private let times = Mutex((decode: Histogram.seconds, scale: Histogram.seconds, scaled: UInt64(0)))

    package init() {}

    /// True while coded pictures other than keyframes are dropped before the decoder.
    package var isKeyframesOnly: Bool { keyframesOnly.load(ordering: .relaxed) }
    /// The number of coded pictures that were dropped before the decoder.
    package var skippedUnits: UInt64 { skipped.load(ordering: .relaxed) }
    /// The number of frames that were due to be sampled and were left out because of overload.
    package var shedSamples: UInt64 { shed.load(ordering: .relaxed) }
    /// The number of times that decoding returned from keyframes to all pictures, because keyframes became too rare.
    package var returnsToAll: UInt64 { returns.load(ordering: .relaxed) }
    /// The processor time of decoding in seconds, without resizing, on the threads that call the decoders.
    package var decodeSeconds: Double {
        let (all, scale) = (decoding.load(ordering: .relaxed), scaling.load(ordering: .relaxed))
        // A picture is resized within the decoder's call, so its time is subtracted.
        return Double(all > scale ? all - scale : 0) / 1e9
    }
    /// The processor time of resizing pictures, in seconds.
    package var scaleSeconds: Double { Double(scaling.load(ordering: .relaxed)) / 1e9 }

    /// The distribution of the processor seconds for decoding a picture; `scaleTimes` is that for resizing one.
    package var decodeTimes: Histogram { times.withLock { $0.decode } }
    package var scaleTimes: Histogram { times.withLock { $0.scale } }

    package func setKeyframesOnly(_ value: Bool) { keyframesOnly.store(value, ordering: .relaxed) }
    package func addSkipped(_ count: UInt64) { skipped.wrappingAdd(count, ordering: .relaxed) }
    package func addShed() { shed.wrappingAdd(1, ordering: .relaxed) }
    package func addReturn() { returns.wrappingAdd(1, ordering: .relaxed) }
    package func addDecoding(nanoseconds: UInt64) {
        decoding.wrappingAdd(nanoseconds, ordering: .relaxed)
        times.withLock { times in
            // The time of decoding does not include the resizing within it.
            times.decode.add(Double(nanoseconds > times.scaled ? nanoseconds - times.scaled : 0) / 1e9)
            times.scaled = 0
        }
    }

    package func whileScaling<R>(_ body: () -> R) -> R {
        let start = ThreadClock.nanoseconds
        defer {
            let taken = ThreadClock.nanoseconds - start
            scaling.wrappingAdd(taken, ordering: .relaxed)
            times.withLock { times in
                times.scale.add(Double(taken) / 1e9)
                times.scaled += taken
            }
        }
        return body()
    }
}
