import CGStreamer
import Foundation
import Pixels
import StreamSources
import Synchronization

/// Reads a still picture at the sampling rate, on its own thread, and pushes it into a pipeline's `appsrc`.
///
/// A picture gets the time at which it was due, not that of its arrival. An unchanged picture is pushed again: time
/// passes, and nothing is decoded or embedded again.
// @unchecked: but for what is safe for threads, all is used by the starting thread, then by the feed's thread only
final class SnapshotFeed: @unchecked Sendable {
    /// The reason why a source of single pictures ends.
    enum End: Equatable {
        case failed(String)
        case busy(String, Double)
        /// The server sent a stream instead of a picture, which another pipeline must play.
        case isStream(String)
    }

    private let shown: String
    private let fps: Double
    private let activity: SourceActivity
    private let makeReader: @Sendable () -> any SnapshotReader
    private let cancellation: FetchCancellation
    private let onWarning: @Sendable (String) -> Void
    private let onEnd: @Sendable (End) -> Void
    private let isOver = Atomic(false)
    /// Wakes the feed's thread; it waits by a steady clock, as the system's may be set while it does.
    private let over = DispatchSemaphore(value: 0)
    /// The buffer of the last picture, which is pushed again if the picture has not changed.
    private var last: UnsafeMutablePointer<GstBuffer>?
    /// The number of temporary faults in a row since the last picture.
    private var faults = 0
    private var target: AppSource?

    /// Makes a feed of pictures, which is then attached to a pipeline and started.
    ///
    /// `makeReader` is called on its thread, and `onEnd` once at its end, unless `cancel` was called.
    init(
        shown: String, fps: Double, activity: SourceActivity, cancellation: FetchCancellation,
        makeReader: @escaping @Sendable () -> any SnapshotReader,
        onWarning: @escaping @Sendable (String) -> Void, onEnd: @escaping @Sendable (End) -> Void
    ) {
        (self.shown, self.fps, self.activity, self.cancellation) = (shown, fps, activity, cancellation)
        (self.makeReader, self.onWarning, self.onEnd) = (makeReader, onWarning, onEnd)
    }

    deinit { if let last { ww_unref_buffer(last) } }

    /// Makes the pictures go to the pipeline's `appsrc name=pictures`; must be called before the pipeline plays.
    func attach(to pipeline: UnsafeMutablePointer<GstElement>, shown: String) throws(SourceError) {
        guard let source = ww_bin_get_app_src(pipeline, "pictures") else {
            throw SourceError("\(shown): the launch line must begin with an appsrc called pictures")
        }
        target = AppSource(source)
    }

    /// Starts the thread that reads the pictures; must be called once, when the pipeline plays.
    ///
    /// The thread keeps the pipeline's `appsrc` alive until it ends.
    func start() {
        guard let target else { return }
        self.target = nil
        let thread = Thread { [self] in run(target) }
        thread.name = "watchword.snap"
        thread.start()
    }

    /// Makes the thread that reads pictures end, and cancels its request; returns without waiting for either.
    func cancel() {
        isOver.store(true, ordering: .releasing)
        over.signal()
        cancellation.cancel()
    }

    // MARK: The thread

    private func run(_ target: AppSource) {
        let reader = makeReader()
        var slot = 0
        while let time = wait(for: slot, target) {
            if let end = fetch(reader, at: time, target) {
                if !isOver.load(ordering: .acquiring) { onEnd(end) }
                return
            }
            // Pictures whose time has passed meanwhile are left out.
            slot = max(slot + 1, Int((target.runningTime * fps).rounded(.up)))
        }
    }

    /// Waits until picture number `slot` is due (at `slot / fps`); returns that time in seconds, or nil after `cancel`.
    private func wait(for slot: Int, _ target: AppSource) -> Double? {
        let due = Double(slot) / fps
        while !isOver.load(ordering: .acquiring) {
            let left = due - target.runningTime
            if left <= 0 { return due }
            // Waiting for the next picture's time is not a stall, so it counts as activity.
            if activity.heard.picture != nil { _ = activity.heardPicture() }
            _ = over.wait(timeout: .now() + min(left, 1))
        }
        return nil
    }

    /// Reads one picture and pushes it into the pipeline; returns the reason if no more are to be read, else nil.
    private func fetch(_ reader: any SnapshotReader, at time: Double, _ target: AppSource) -> End? {
        do throws(SnapshotFault) {
            guard let bytes = try reader.next() else {
                activity.heardUnit()
                if let last { target.push(again: last, at: time, for: 1 / fps) }
                faults = 0
                return nil
            }
            activity.heardUnit()
            let picture: SnapshotPicture
            do throws(PictureError) { picture = try SnapshotPicture(decoding: bytes) } catch {
                reader.forget()
                throw .passing("\(shown): the picture cannot be used: \(error)")
            }
            show(target.push(picture, at: time, for: 1 / fps))
            faults = 0
            return nil
        } catch {
            return judged(error)
        }
    }

    private func judged(_ fault: SnapshotFault) -> End? {
        switch fault {
        case .cancelled: return .failed("it was stopped")
        case .lasting(let why): return .failed(why)
        case .busy(let why, let seconds): return .busy(why, seconds)
        case .stream(let why): return .isStream(why)
        case .passing(let why):
            faults += 1
            // If no picture has ever come, the source fails at once.
            guard last != nil, faults < SnapshotLimits.faults else { return .failed(why) }
            onWarning(why)
            return nil
        }
    }

    private func show(_ buffer: UnsafeMutablePointer<GstBuffer>?) {
        if let last { ww_unref_buffer(last) }
        last = buffer
    }
}

/// The owner of a pipeline's `appsrc` element.
// @unchecked: GStreamer's objects are thread-safe, and the pointer never changes
private final class AppSource: @unchecked Sendable {
    private let element: UnsafeMutablePointer<GstElement>

    init(_ owned: UnsafeMutablePointer<GstElement>) { element = owned }

    deinit { gst_object_unref(element) }

    var runningTime: Double { ww_element_running_seconds(element) }

    /// Pushes a picture into the pipeline; returns its buffer, which the caller owns and may push again.
    func push(
        _ picture: SnapshotPicture, at time: Double, for duration: Double
    ) -> UnsafeMutablePointer<GstBuffer>? {
        picture.rgb.withUnsafeBufferPointer {
            ww_app_src_push_picture(
                element, $0.baseAddress, gint(picture.width), gint(picture.height), Self.nanoseconds(time),
                Self.nanoseconds(duration))
        }
    }

    func push(again buffer: UnsafeMutablePointer<GstBuffer>, at time: Double, for duration: Double) {
        ww_app_src_push_again(element, buffer, Self.nanoseconds(time), Self.nanoseconds(duration))
    }

    private static func nanoseconds(_ seconds: Double) -> guint64 { guint64(min(max(seconds, 0), 1e9) * 1e9) }
}
