import Foundation
import WireFormat

/// Encodes a notice as a CloudEvent 1.0, in structured mode.
enum CloudEvent {
    static func of(_ notice: Notice, _ context: NoticeContext) -> JSONValue {
        var event: [String: JSONValue] = [
            "specversion": .string("1.0"), "id": .string(notice.id(journal: context.journal)),
            "datacontenttype": .string("application/json"),
        ]
        switch notice {
        case .alert(let alert), .ended(let alert):
            event["type"] = .string("watchword.match.\(alert.message.phase)")
            event["source"] = .string("/watchword/streams/\(alert.message.stream)")
            event["subject"] = .string(alert.message.query.id)
            event["time"] = .string(moment(alert.time))
            event["sequence"] = .string("\(alert.seq)")
            event["age"] = .integer(Int64(min(max(0, context.now - alert.time), 1e9)))
            event["data"] = alert.body
        case .summary(let summary):
            event["type"] = .string("watchword.summary")
            event["source"] = .string("/watchword/notifiers/\(context.notifier)")
            event["time"] = .string(moment(context.now))
            event["sequence"] = .string("\(summary.last)")
            event["data"] = data(summary)
        case .off(let key):
            event["type"] = .string("watchword.off")
            event["source"] = .string("/watchword/streams/\(key.stream)")
            event["subject"] = .string(key.query)
            event["time"] = .string(moment(context.now))
        case .test:
            event["type"] = .string("watchword.test")
            event["source"] = .string("/watchword/notifiers/\(context.notifier)")
            event["time"] = .string(moment(context.now))
            event["data"] = .object(["notifier": .string(context.notifier)])
        }
        return .object(event)
    }

    private static func data(_ summary: AlertSummary) -> JSONValue {
        var data: [String: JSONValue] = [
            "first": .integer(summary.first), "last": .integer(summary.last),
            "alerts": .integer(Int64(summary.alerts)), "others": .integer(Int64(summary.others)),
            "lost": .integer(summary.lost),
            "reasons": .array(summary.reasons.map(\.rawValue).sorted().map { .string($0) }),
            "groups": .array(
                summary.groups.map { group in
                    .object([
                        "query": .string(group.query), "stream": .string(group.stream), "text": .string(group.text),
                        "count": .integer(Int64(group.count)),
                    ])
                }),
        ]
        if let times = summary.times {
            data["from"] = .string(moment(times.lowerBound))
            data["to"] = .string(moment(times.upperBound))
        }
        return .object(data)
    }

    private static func moment(_ seconds: Double) -> String { Moment(secondsSince1970: seconds).description }
}
