import ControlAPI
import Notify
import WireFormat

/// The control operations on notifiers.
enum NotifyOperations {
    static let all: [DaemonOperation] = [
        DaemonOperation(
            "notify.list", .get, "/notifiers", "Every notifier, and how it is doing.", needs: .view,
            answers: .list(.reference("Notifier"))
        ) { daemon, _ in
            try JSONValue(encoding: await daemon.notifiers.status())
        },
        DaemonOperation(
            "notify.test", .post, "/notifiers/{name}/test",
            "Sends a test message now, beside what the notifier is at; refused with the reason if it does not arrive.",
            needs: .operate, takes: name,
            answers: .object([.init("delivered", .name, required: true)]), fails: [.refused, .notFound], traits: .slow
        ) { daemon, args in
            let wanted = try ControlArguments.name(args, "name")
            switch try await daemon.notifiers.test(wanted, id: ULID.make()) {
            case nil: throw missing(wanted)
            case .delivered?: return .object(["delivered": .string(wanted)])
            case .gone?: throw ControlFailure(.refused, "the receiver answers 410: it wants no more")
            case .failed(let why, _, _)?: throw ControlFailure(.refused, why)
            }
        },
        DaemonOperation(
            "notify.resume", .post, "/notifiers/{name}/resume",
            "Starts a notifier again that was given up, and tries one that fails at once.", needs: .operate,
            takes: name, answers: .object([.init("resumed", .name, required: true)]), fails: [.notFound, .unavailable]
        ) { daemon, args in
            let wanted = try ControlArguments.name(args, "name")
            guard try await daemon.notifiers.resume(wanted) else { throw missing(wanted) }
            return .object(["resumed": .string(wanted)])
        },
    ]

    private static let name = Schema.object([.init("name", .name, required: true)])

    private static func missing(_ name: String) -> ControlFailure {
        ControlFailure(.notFound, "there is no notifier \"\(name.prefix(128))\" in the configuration")
    }
}
