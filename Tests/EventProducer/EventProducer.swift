import ControlAPI
import Daemon
import Foundation
import Journal
import Logging
import Messaging
import Publishing
import SystemSupport
import WireFormat

/// Sends events through an outbox as fast as it is told to, until it is killed: more load than cameras make.
///
/// Arguments: journal, publishing endpoint, control endpoint, file of what was sent, lanes, pause in milliseconds,
/// messages of the backlog. Each lane is a stream with one query, whose events start, are updated, and end. Or
/// `history`, a history's directory and a file of what is on the disk.
@main
struct EventProducer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 4, arguments[1] == "history" {
            return try HistoryProducer.record(arguments[2], arguments[3])
        }
        guard arguments.count == 8, let lanes = Int(arguments[5]), let pause = Int(arguments[6]),
            let backlog = Int(arguments[7])
        else { exit(64) }
        signal(SIGXFSZ, SIG_IGN)
        let journal = try Journal(path: arguments[1])
        let outbox = Outbox(
            journal: journal, publisher: try Publisher(binding: arguments[2]), logger: Logger(label: "producer"),
            backlog: backlog)
        await outbox.endInterrupted()
        let operations = EventOperations(outbox)
        let control = try ControlServer(binding: arguments[3]) { data in
            await answer(data, outbox, operations)
        }
        let sent = Foundation.open(arguments[4], O_WRONLY | O_CREAT | O_APPEND, 0o644)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await outbox.run(heartbeat: .milliseconds(200)) }
            for lane in 0..<lanes { group.addTask { await play(lane, outbox, sent, pause) } }
        }
        control.stop()
    }

    private static func play(_ lane: Int, _ outbox: Outbox, _ sent: Int32, _ pause: Int) async {
        var random = SeededRandom(seed: UInt64(lane))
        while true {
            let event = ULID.make()
            let updates = random.below(4)
            for step in 0...updates + 1 {
                let phase: EventMark.Phase = step == 0 ? .start : step <= updates ? .update : .end
                await outbox.send([message(lane, event, phase)])
                // One write: whole, or not at all.
                let line = Array("\(event) \(phase)\n".utf8)
                _ = write(sent, line, line.count)
                try? await Task.sleep(for: .milliseconds(pause))
            }
        }
    }

    private static func message(_ lane: Int, _ event: String, _ phase: EventMark.Phase) -> PendingMessage {
        let stream = "s\(lane)"
        return PendingMessage(
            topic: "match.\(stream).q", query: "q", stream: stream, event: EventMark(id: event, phase: phase)
        ) { seq, prev in
            let now = Date()
            return try WireCoding.encode(
                MatchMessage(
                    seq: seq, prev: prev, event: event, phase: phase.rawValue,
                    query: .init(id: "q", text: String(repeating: "a red van stops ", count: 20), tags: []),
                    stream: stream, score: 0.5, peak: .init(score: 0.5, at: now), threshold: 0.25, head: "mean",
                    model: "none", start: now, end: now, media: .init(start: 0, end: 1)))
        }
    }

    private static func answer(_ data: Data, _ outbox: Outbox, _ operations: EventOperations) async -> Data {
        do {
            let request = try WireCoding.decode(ControlRequest.self, data)
            do {
                let args = request.args ?? .object([:])
                let result =
                    switch request.op {
                    case "events.replay": try await operations.replay(args)
                    case "events.open": try await operations.open()
                    default:
                        JSONValue.object([
                            "seq": .integer(outbox.lastSeq), "journal": try JSONValue(encoding: await outbox.status()),
                        ])
                    }
                return try WireCoding.encode(ControlReply(id: request.id, result: result))
            } catch {
                let code = (error as? ControlFailure)?.code ?? "refused"
                return try WireCoding.encode(
                    ControlReply(id: request.id, error: .init(code: code, message: "\(error)")))
            }
        } catch {
            return Data("{}".utf8)
        }
    }
}
