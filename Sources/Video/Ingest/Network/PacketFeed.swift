import CGStreamer
import CRTSP
import Packets
import StreamSources
import Synchronization

/// Receives a camera's packets in large pieces and hands its units to a pipeline's `appsrc name=units`.
///
/// All runs on that source's streaming thread: a unit is decoded before the next is made, so that those which would be
/// dropped before the decoder are not made at all.
// @unchecked: `cancel` and `close` are for any thread; what changes but `connection` is the streaming thread's own
final class PacketFeed: @unchecked Sendable {
    static let template = "rtsp-tcp"
    /// The word that is posted where the camera is not for this.
    private static let unusual = "watchword-unusual"
    /// Bytes that are waited for, and how long: as long as pictures are apart, and longer while most are left out.
    private static let (piece, wait) = (16_384, Duration.milliseconds(40))
    private static let (largePiece, longWait) = (65_536, Duration.milliseconds(100))
    private static let idleWait = Duration.seconds(1)
    /// The latency of `rtpjitterbuffer` in our pipelines, in nanoseconds; bytes wait no longer for others.
    private static let delay: UInt64 = 300_000_000
    private static let reportInterval = Duration.seconds(5)
    /// Time away from the connection after which it is not known when its bytes came.
    private static let punctual = Duration.milliseconds(100)
    /// Nanoseconds by which units may be late before those that need others are left out up to a keyframe.
    private static let maxLate: UInt64 = 2_000_000_000

    private let uri: String
    private let database: TLSDatabase?
    private let tap: FrameTap
    private let decoderTap: DecoderTap?
    /// Whether somebody records the units, so that all of them are made.
    private var keepsUnits: Bool { decoderTap?.wantsUnits ?? false }
    private let connection: Mutex<PacketConnection?> = Mutex(PacketConnection())
    private var reader: PacketReader?
    private var keepAlive = Duration.seconds(30)
    private var hasGivenUnits = false
    /// Running time at which the last bytes came; nil if it is not known.
    private var arrival: UInt64?
    private var readAt = ContinuousClock.now
    private var reportedAt = ContinuousClock.now
    private var keptAliveAt = ContinuousClock.now
    /// Whether bytes have waited for this thread.
    private var isLate = false
    /// Whether the last reading left bytes behind, and whether there were none.
    private var isFull = false
    private var isIdle = true
    private var isSkipping = false

    init(uri: String, database: TLSDatabase?, tap: FrameTap, decoderTap: DecoderTap?) {
        (self.uri, self.database, self.tap, self.decoderTap) = (uri, database, tap, decoderTap)
    }

    /// Whether a source's packets may be received so.
    static func takes(_ source: SourceDescription) -> Bool {
        let transport = RTSPTransport.of(source) ?? .auto
        return transport == .auto || transport == .tcp
    }

    /// Whether a message says that another pipeline must play the source.
    static func isUnusual(_ message: UnsafeMutablePointer<GstMessage>) -> Bool {
        ww_message_is_word(message, unusual) != 0
    }

    /// Feeds the pipeline's source for as long as that lives; call before it plays.
    func attach(to pipeline: UnsafeMutablePointer<GstElement>, shown: String) throws(SourceError) {
        guard let source = ww_bin_get(pipeline, "units"), ww_is_app_src(source) != 0 else {
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

    /// Ends what the streaming thread waits for, so that the pipeline can be stopped.
    func cancel() { connection.withLock { $0 }?.cancel() }

    /// Ends the session, once the streaming thread has left it.
    func close() { connection.withLock { $0 = nil } }

    // MARK: The streaming thread

    /// Gives the source a unit, or ends.
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

    /// Opens the session; false if that failed, and the pipeline was told.
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

    /// Running time of the source; nil before there is any.
    private static func now(_ source: UnsafeMutablePointer<GstAppSrc>) -> UInt64? {
        let now = gst_element_get_current_running_time(element(source))
        return now == ww_no_time() ? nil : UInt64(now)
    }

    /// Reads what has come; false at the end, of which the pipeline was told.
    private func read(_ connection: PacketConnection, _ source: UnsafeMutablePointer<GstAppSrc>) -> Bool {
        isLate = (isLate && isFull) || .now - readAt > Self.punctual
        var room = 0
        // The first bytes after a pause are taken at once, so that it is known when they came.
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

    /// Sends what the server must have from time to time.
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

    /// Handles an event; true if it gave the source a unit, or ended.
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
            // What the source says to it comes as a message of the pipeline.
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

    /// Whether a unit comes so late that the decoder must catch up, which it does up to the next keyframe.
    private func isTooLate(_ time: UInt64?, _ isKey: Bool, _ source: UnsafeMutablePointer<GstAppSrc>) -> Bool {
        guard !isKey, decoderTap?.takesAll == true else {
            isSkipping = false
            return false
        }
        // Units that somebody records are not left out; one that is being left out needs the next keyframe.
        if !isSkipping, !keepsUnits, let time, let now = Self.now(source) {
            isSkipping = now > time && now - time > Self.maxLate
        }
        return isSkipping
    }
}
