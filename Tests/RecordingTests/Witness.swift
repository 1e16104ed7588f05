import Recording
import Sampling
import Synchronization
import Testing

/// Every unit that comes, and what a ring makes of them.
final class Witness: UnitTaker {
    let ring: UnitRing
    private let units = Mutex<[CodedUnit]>([])

    init(_ ring: UnitRing) { self.ring = ring }

    var isWanted: Bool { true }
    func learn(_ format: CodedFormat, of session: Int) { ring.learn(format, of: session) }
    var all: [CodedUnit] { units.withLock { $0 } }
    func beginSession() -> Int { ring.beginSession() }
    func refuse(_ kind: String, of session: Int) { ring.refuse(kind, of: session) }
    func take(_ unit: CodedUnit, of session: Int) {
        units.withLock { $0.append(unit) }
        ring.take(unit, of: session)
    }
}

/// A camera: how its pictures are coded.
struct Camera: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let coding: String
    var isH265 = false
    /// Seconds between keyframes.
    var group = 1.0
    var pictures = "video/x-raw,format=I420,width=320,height=240,framerate=25/1"

    var launch: String {
        "videotestsrc is-live=true pattern=ball ! \(pictures) ! \(coding) ! "
            + (isH265 ? "rtph265pay" : "rtph264pay") + " name=pay0 pt=96 config-interval=0"
    }

    private static let x264 = "x264enc threads=1 rc-lookahead=1 sync-lookahead=0 speed-preset=ultrafast"
    private static let x265 = "x265enc speed-preset=ultrafast option-string=\"log-level=none:pools=1:frame-threads=1\""

    static let all: [Camera] = [
        Camera(
            testDescription: "H.264, 0.5 s", coding: "\(x264) key-int-max=12 bframes=0 tune=zerolatency", group: 0.5),
        Camera(
            testDescription: "H.264, parameter sets out of band",
            coding: "\(x264) key-int-max=25 bframes=0 tune=zerolatency ! video/x-h264,stream-format=avc,alignment=au"),
        Camera(testDescription: "H.264, B-frames", coding: "\(x264) key-int-max=50 bframes=3 b-adapt=false", group: 2),
        Camera(
            testDescription: "H.264, open groups",
            coding: "\(x264) key-int-max=50 bframes=2 b-adapt=false option-string=\"open-gop=1\"", group: 2),
        Camera(testDescription: "H.264, 10 s", coding: "\(x264) key-int-max=250 bframes=0 tune=zerolatency", group: 10),
        Camera(
            testDescription: "H.265, 1 s", coding: "\(x265) key-int-max=25 tune=zerolatency", isH265: true),
        Camera(
            testDescription: "H.265, B-frames, open groups", coding: "\(x265) key-int-max=50", isH265: true, group: 2),
    ]
}
