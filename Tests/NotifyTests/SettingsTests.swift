import Foundation
import Matching
import Notify
import TestSupport
import Testing
import WatchwordConfiguration

@Suite("The section notify")
struct SettingsTests {
    private func read(_ yaml: String) throws -> [NotifierSettings] {
        try Configuration(yaml: yaml, path: "w.yaml").notify
    }

    @Test("every key")
    func whole() throws {
        let all = try read(
            """
            notify:
            - name: phone
              format: ntfy
              url: https://ntfy.sh/topic
              token: ntfy-token
              addresses: [192.168.1.5, 10.0.0.0/8]
              queries: [van]
              streams: ["gate*"]
              tags: night
              phases: [start, end]
              catch_up: 30m
              at_most: {alerts: 5, per: 10m}
              quiet: {zone: Europe/Berlin, days: mon-fri, hours: "22:00-06:00"}
              timeout: 5
            - {name: program, url_file: hook-url, secret: hook-secret}
            - {name: chat, format: telegram, token: bot, chat: "-100", picture: true}
            - name: home
              format: mqtt
              url: mqtts://broker.example:8884
              user: watchword
              password: mqtt.password
              ca: ca.pem
              certificate: client.pem
              key: client.key
              topic: home/watchword
              home_assistant: true
              picture: true
            - {name: broker, format: mqtt, url: "mqtt://broker.example"}
            """)
        #expect(all.map(\.name) == ["phone", "program", "chat", "home", "broker"])
        #expect(all.map(\.format) == [.ntfy, .cloudevents, .telegram, .mqtt, .mqtt])
        #expect(all[3].homeAssistant && all[3].picture && all[3].catchUp == 300 && all[3].topic == "home/watchword")
        #expect(all[3].user == "watchword" && all[3].password == "mqtt.password" && all[3].key == "client.key")
        #expect(!all[4].homeAssistant && all[4].catchUp == 3 * 86_400 && all[4].topic == "watchword" && all[2].picture)
        let phone = try #require(all.first)
        #expect(phone.catchUp == 1800 && phone.limit == AlertLimit(alerts: 5, per: 600) && phone.timeout == 5)
        #expect(phone.filter.phases == [.start, .end] && phone.filter.tags == ["night"] && phone.addresses.count == 2)
        #expect(phone.quiet?.rules.count == 1 && phone.token == "ntfy-token")
        #expect(all[1].filter.phases.count == 3 && all[1].catchUp == 3 * 86_400 && all[2].filter.phases == [.start])
        #expect(try read("{}").isEmpty)
    }

    @Test(
        "what is wrong is refused with its line and key",
        arguments: [
            ("{nam: x}", "did you mean \"name\""), ("{url: \"http://a\"}", "\"name\" is missing"),
            ("{name: a b, url: \"http://a\"}", "name: expected 1 to 64"), ("{name: a}", "url: it is missing"),
            ("{name: a, url: \"ftp://a\"}", "url: expected an address of http or https"),
            ("{name: a, url: \"http://u@a\"}", "url: expected no user"),
            ("{name: a, url: \"http://a\", url_file: b}", "found both"),
            ("{name: a, url: \"http://a\", format: sms}", "format: \"sms\" is none of cloudevents"),
            ("{name: a, url: \"http://a\", addresses: [home]}", "addresses: expected an address"),
            ("{name: a, url: \"http://a\", phases: [begin]}", "phases: \"begin\" is none of start"),
            ("{name: a, url: \"http://a\", phases: []}", "phases: it is empty"),
            ("{name: a, url: \"http://a\", queries: []}", "queries: it is empty"),
            ("{name: a, url: \"http://a\", streams: [a.b]}", "streams: "),
            ("{name: a, url: \"http://a\", catch_up: soon}", "catch_up: expected a time as in 90s"),
            ("{name: a, url: \"http://a\", timeout: 90}", "timeout: expected a time"),
            ("{name: a, url: \"http://a\", at_most: {alerts: 0, per: 1m}}", "at_most.alerts: expected 1 to"),
            ("{name: a, url: \"http://a\", at_most: {alerts: 1}}", "at_most.per: it is missing"),
            ("{name: a, url: \"http://a\", quiet: {zone: Mars}}", "quiet: zone \"Mars\" is no time zone"),
            ("{name: a, format: mqtt, url: \"http://a\"}", "url: expected an address of mqtt or mqtts"),
            ("{name: a, format: mqtt, url: \"mqtt://a/topic\"}", "url: expected a host and perhaps a port"),
            ("{name: a, format: mqtt, url: \"mqtt://a\", ca: b}", "ca: expected mqtts:// in url"),
            ("{name: a, format: mqtt, url: \"mqtt://u:p@a\"}", "name it by user: NAME"),
            ("{name: a, format: mqtt, url: \"mqtt://a\", topic: \"a/#\"}", "topic: expected letters"),
            ("{name: a, format: mqtt, url: \"mqtt://a\", password: p}", "password: expected user: as well"),
            ("{name: a, format: mqtt, url: \"mqtts://a\", key: k}", "certificate: expected certificate: and key:"),
            ("{name: a, format: mqtt, url: \"mqtt://a\", token: t}", "token: format mqtt takes user and password"),
            (
                "{name: a, format: mqtt, url: \"mqtt://a\", home_assistant: true, phases: [end]}",
                "phases: expected start"
            ),
            ("{name: a, url: \"http://a\", topic: t}", "topic: it is for format mqtt alone"),
            ("{name: a, url: \"http://a\", picture: true}", "picture: format cloudevents takes none"),
            ("{name: a, url: \"http://a\", secret: }", "secret: expected a value"),
        ])
    func refused(_ notifier: String, _ reason: String) {
        #expect { try read("log: {level: error}\nnotify:\n- \(notifier)") } throws: { error in
            let text = "\(error)"
            return text.hasPrefix("w.yaml:3: ") && text.contains(reason)
        }
    }

    @Test("two of one name are refused")
    func twice() {
        #expect { try read("notify:\n- {name: a, url: \"http://a\"}\n- {name: a, url: \"http://b\"}") } throws: {
            "\($0)".contains("there are two of the name \"a\"")
        }
    }

    @Test("the guide's configurations are read", arguments: ["ntfy", "own", "home"])
    func guide(_ name: String) throws {
        let guide = try String(
            contentsOf: Fixtures.repository.appending(path: "docs/PHONE.md"), encoding: .utf8)
        let block = try #require(guide.components(separatedBy: "```yaml \(name)\n").dropFirst().first)
        let lines = try #require(block.components(separatedBy: "```").first).split(separator: "\n").map {
            $0.dropFirst(3)
        }
        let one = try #require(try read(lines.joined(separator: "\n")).first)
        #expect(one.name == (name == "home" ? "home" : "phone"))
        #expect(name != "home" || one.homeAssistant && one.picture && one.user == "watchword")
        #expect(name == "ntfy" || one.addresses.count == 1)
    }

    @Test("two of one topic at one broker are refused")
    func topics() throws {
        let one = "format: mqtt, url: \"mqtt://a\""
        #expect { try read("notify:\n- {name: a, \(one)}\n- {name: b, \(one)}") } throws: {
            "\($0)".contains("there are two with the topic \"watchword\"")
        }
        #expect(try read("notify:\n- {name: a, \(one)}\n- {name: b, topic: b, \(one)}").count == 2)
    }

    @Test("secrets are files that others may not read, with a sentence that does not show them")
    func secrets() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        let wanted = settings { $0.secret = file.path }
        func refusal() -> String {
            do throws(NotifyError) {
                _ = try NotifierTarget(wanted)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(refusal().contains("cannot be read"))
        for (text, mode, reason) in [
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o644, "other users can read"),
            ("whsec_short", 0o600, "expected whsec_ and 24 to 64 bytes"), ("two words", 0o600, "expected one line"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0o600, ""),
        ] {
            try text.write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
            let found = refusal()
            #expect(reason.isEmpty ? found.isEmpty : found.contains(reason) && !found.contains(text), "\(found)")
        }
    }
}
