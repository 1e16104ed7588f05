import CGStreamer
import CRTSP
import Packets
import StreamSources
import Synchronization

/// Receives a camera's RTP packets and pushes its coded pictures into a pipeline's `appsrc name=units`.
///
/// Everything runs on that element's streaming thread: a picture is decoded before the next is assembled, so pictures
/// that would be dropped before the decoder are not even assembled.
// @unchecked: `cancel` and `close` are for any thread; only the streaming thread uses the other variables
final class PacketFeed: @unchecked Sendable {
    static let template = "rtsp-tcp"
    /// The name of the bus message that says that this class cannot receive the camera's packets.
    private static let unusual = "watchword-unusual"
    /// The bytes that one read waits for, and the longest wait: about the time between two pictures.
    private static let (piece, wait) = (16_384, Duration.milliseconds(40))
    private static let (largePiece, longWait) = (65_536, Duration.milliseconds(100))
    private static let idleWait = Duration.seconds(1)
    /// The latency of `rtpjitterbuffer` in this project's pipelines, in nanoseconds.
    ///
    /// After a picture that is later than this, the sender's clock is measured anew.
    private static let delay: UInt64 = 300_000_000
    private static let reportInterval = Duration.seconds(5)
    /// After this time between two reads it is unknown when the bytes arrived.
    private static let punctual = Duration.milliseconds(100)
    /// The lateness in nanoseconds beyond which all pictures up to the next keyframe are dropped.
    private static let maxLate: UInt64 = 2_000_000_000

    private let uri: String
    private let database: TLSDatabase?
    private let tap: FrameTap
    private let decoderTap: DecoderTap?
    /// True while somebody records the coded pictures, so that none may be discarded.
    private var keepsUnits: Bool { decoderTap?.wantsUnits ?? false }
    private let connection: Mutex<PacketConnection?> = Mutex(PacketConnection())
    private var reader: PacketReader?
    private var keepAlive = Duration.seconds(30)
    private var hasGivenUnits = false
    /// The pipeline's running time at which the last bytes arrived, in nanoseconds; nil if that is unknown.
    private var arrival: UInt64?
    private var readAt = ContinuousClock.now
    private var reportedAt = ContinuousClock.now
    private var keptAliveAt = ContinuousClock.now
    /// True if received bytes had to wait for this thread, so that their arrival times are unknown.
    private var isLate = false
    /// True if the last read filled the buffer, so that more bytes wait; `isIdle` is true if it returned no bytes.
    private var isFull = false
    private var isIdle = true
    private var isSkipping = false
    /// The latest time of a coded picture so far, in nanoseconds.
    private var latest: UInt64?

    init(uri: String, database: TLSDatabase?, tap: FrameTap, decoderTap: DecoderTap?) {
        (self.uri, self.database, self.tap, self.decoderTap) = (uri, database, tap, decoderTap)
    }

    /// Returns true if the source's transport setting lets this class receive its packets (automatic or TCP).
    static func takes(_ source: SourceDescription) -> Bool {
        let transport = RTSPTransport.of(source) ?? .auto
        return transport == .auto || transport == .tcp
    }

    /// Returns true if a bus message says that this class cannot receive the camera, so another pipeline must play it.
    static func isUnusual(_ message: UnsafeMutablePointer<GstMessage>) -> Bool {
        ww_message_is_word(message, unusual) != 0
    }

    /// Makes the coded pictures go to the pipeline's `appsrc name=units`; must be called before the pipeline plays.
    func attach(to pipeline: UnsafeMutablePointer<GstElement>, shown: String) throws(SourceError) {
        guard let source = ww_bin_get_app_src(pipeline, "units") else {
            throw SourceError("\(shown): the launch line must begin with an appsrc called units")
        }
        defer { gst_object_unref(source) }
        ww_app_src_feed(
            source,
            { source, _, user in
                guard let source, let user else { return }
                Unmanaged<PacketFeed>.fromOpaque(user).takeUnretainedValue().feed(source)
            }, Unmanaged.passRetained(self).toOpaque(),
            { user in if let user { Unmanaged<PacketFeed>.fromOpaque(user).release() } })
    }

    /// Interrupts the streaming thread's wait for the camera, so that the pipeline can be stopped; for any thread.
    func cancel() { connection.withLock { $0 }?.cancel() }

    /// Closes the RTSP session once the streaming thread no longer uses it; TLS may wait then, so not within the lock.
    func close() { _ = connection.withLock { $0.take() } }

    // MARK: The streaming thread

    /// Pushes one coded picture into the pipeline, or ends the session; called by `appsrc` when it needs data.
    private func feed(_ source: UnsafeMutablePointer<GstAppSrc>) {
        guard let connection = connection.withLock({ $0 }) else { return }
        guard reader != nil || open(connection, source) else { return close() }
        repeat {
            do {
                while let event = try reader?.next(arrival: arrival, drops: drops) {
                    if take(event, connection, source) { return }
                }
            } catch {
                ww_rtsp_post_broken(source, "Parse error")
                return close()
            }
            keepUp(connection)
        } while read(connection, source)
        close()
    }

    private func drops() -> Bool { !keepsUnits && decoderTap?.dropsDeltas ?? false }

    /// Opens the RTSP session; false if that failed, which is then posted on the pipeline's bus.
    private func open(_ connection: PacketConnection, _ source: UnsafeMutablePointer<GstAppSrc>) -> Bool {
        switch connection.open(uri, trusting: database) {
        case .stream(let stream):
            ww_rtsp_set_caps(source, stream.coding == .h265 ? 1 : 0)
            reader = PacketReader(stream, delay: Self.delay)
            keepAlive = connection.keepAlive
            (readAt, reportedAt, keptAliveAt) = (.now, .now, .now)
            return true
        case .unusual: ww_post_word(Self.element(source), Self.unusual)
        case .failed: connection.post(as: source)
        case .cancelled: break
        }
        return false
    }

    private static func element(_ source: UnsafeMutablePointer<GstAppSrc>) -> UnsafeMutablePointer<GstElement> {
        UnsafeMutableRawPointer(source).assumingMemoryBound(to: GstElement.self)
    }

    /// Returns the pipeline's running time in nanoseconds; nil before it has one.
    private static func now(_ source: UnsafeMutablePointer<GstAppSrc>) -> UInt64? {
        let now = gst_element_get_current_running_time(element(source))
        return now == ww_no_time() ? nil : UInt64(now)
    }

    /// Reads the bytes that have arrived; returns false at the connection's end, which it posts on the pipeline's bus.
    private func read(_ connection: PacketConnection, _ source: UnsafeMutablePointer<GstAppSrc>) -> Bool {
        isLate = (isLate && isFull) || .now - readAt > Self.punctual
        var room = 0
        // The first bytes after a pause are read at once, so that their arrival time is known.
        let (least, wait) =
            isIdle ? (1, Self.idleWait) : drops() ? (Self.largePiece, Self.longWait) : (Self.piece, Self.wait)
        let count = reader?.read {
            room = $0.count
            return connection.read(into: $0, least: least, wait: wait)
        }
        readAt = .now
        arrival = isLate && hasGivenUnits ? nil : Self.now(source)
        switch count.flatMap({ PacketConnection.End(rawValue: $0) }) {
        case .ended:
            ww_rtsp_post_end(source)
            return false
        case .broke:
            ww_rtsp_post_broken(source, "System error")
            return false
        case .cancelled: return false
        case nil:
            (isIdle, isFull) = (count == 0, count == room)
            return true
        }
    }

    /// Sends the RTSP keep-alive requests and RTCP reports that the server expects regularly.
    private func keepUp(_ connection: PacketConnection) {
        if readAt - keptAliveAt >= keepAlive {
            keptAliveAt = readAt
            connection.sendKeepAlive()
        }
        if readAt - reportedAt >= Self.reportInterval {
            reportedAt = readAt
            connection.sendReport()
        }
    }

    /// Handles an event of the connection; true if it pushed a picture into the pipeline or ended the session.
    private func take(
        _ event: PacketReader.Event, _ connection: PacketConnection, _ source: UnsafeMutablePointer<GstAppSrc>
    ) -> Bool {
        switch event {
        case .request(let sequence): connection.answer(sequence)
        case .leftOut(let time): leaveOut(time)
        case .unknown:
            guard !hasGivenUnits else { return false }
            ww_post_word(Self.element(source), Self.unusual)
            close()
            return true
        case .unit(let bytes, let time, let isKey):
            if isTooLate(time, isKey, source) {
                leaveOut(time)
                return false
            }
            hasGivenUnits = true
            // `appsrc` reports its errors as messages on the pipeline's bus.
            let stamp = time.map { guint64($0) } ?? ww_no_time()
            _ = bytes.withUnsafeBytes {
                ww_app_src_push(source, $0.baseAddress, gsize($0.count), stamp, ww_no_time())
            }
            return true
        }
        return false
    }

    private func leaveOut(_ time: UInt64?) {
        tap.meter.step()
        decoderTap?.leaveOut(at: time.map { Double($0) / 1e9 })
    }

    /// Returns true if a picture is so late that it and all others up to the next keyframe are dropped, to catch up.
    private func isTooLate(_ time: UInt64?, _ isKey: Bool, _ source: UnsafeMutablePointer<GstAppSrc>) -> Bool {
        // Of a camera whose time stamps stand still, nothing tells how late its pictures are.
        let goesOn = time.map { time in latest.map { time > $0 } ?? true } ?? false
        if goesOn { latest = time }
        guard !isKey, decoderTap?.takesAll == true else {
            isSkipping = false
            return false
        }
        // Pictures that somebody records are not dropped. Once one is dropped, all are until the next keyframe.
        if !isSkipping, !keepsUnits, goesOn, let time, let now = Self.now(source) {
            isSkipping = now > time && now - time > Self.maxLate
        }
        return isSkipping
    }
}
