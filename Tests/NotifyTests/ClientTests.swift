import ControlAPI
import Foundation
import Matching
import Notify
import StreamSources
import SystemSupport
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("Notifiers of clients")
struct ClientTests {
    /// A configuration with a credential for each kind of receiver.
    private func configuration(_ more: String = "") throws -> Configuration {
        try Configuration(
            yaml: """
                credentials:
                  hook: {file: /keys/hook, hosts: [hooks.example, "10.0.0.5:8080"]}
                  broker: {hosts: ["broker.example:8883"]}
                \(more)
                """, path: "w.yaml")
    }

    private func read(_ json: String, _ configuration: Configuration) throws -> NotifierSettings {
        try configuration.receivers.read(JSONText.parse(Data(json.utf8)), credentials: configuration.credentials)
    }

    @Test("a client's keys are the configuration's, and its files are credentials by name")
    func whole() throws {
        let one = try read(
            """
            {"name": "phone", "format": "ntfy", "url": "https://hooks.example/topic", "token": "hook", "tags": "night",
             "catch_up": "30m", "at_most": {"alerts": 5, "per": 600}, "streams": ["gate*"], "phases": ["start", "end"],
             "quiet": {"zone": "Europe/Berlin", "hours": "22:00-06:00"}, "timeout": 5, "picture": true}
            """, configuration("receivers: {addresses: [192.168.1.5]}"))
        #expect(one.source == .socket && one.token == "/keys/hook" && one.addresses == [AddressRange("192.168.1.5")])
        #expect(one.catchUp == 1800 && one.limit == AlertLimit(alerts: 5, per: 600) && one.quiet?.rules.count == 1)
        #expect(one.filter.phases == [.start, .end] && one.filter.tags == ["night"] && one.picture && one.timeout == 5)
    }

    @Test("the schema of a client's notifier has the keys that are read, and every format")
    func schema() throws {
        guard case .object(let properties, _)? = Schemas.named["NewNotifier"] else {
            Issue.record("it is no object")
            return
        }
        #expect(properties.map(\.key).sorted() == ClientNotifiers.keys.sorted())
        guard case .word(let formats)? = properties.first(where: { $0.key == "format" })?.schema else {
            Issue.record("a format is no word")
            return
        }
        #expect(formats == NotifyFormat.allCases.map(\.rawValue))
    }

    @Test(
        "what a client may not ask for is refused with its key",
        arguments: [
            (#"{"name": "a", "url": "http://a", "addresses": ["10.0.0.0/8"]}"#, "addresses: leave it out"),
            (#"{"name": "a", "url": "http://a", "secret": "/etc/shadow"}"#, "secret: clients name credentials"),
            (#"{"name": "a", "url_file": "keys/hook"}"#, "url_file: clients name credentials"),
            (#"{"name": "a", "url": "http://a", "token": "other"}"#, "there are broker, hook"),
            (#"{"name": "a", "format": "mqtt", "url": "mqtts://a", "ca": "/ca.pem"}"#, "ca: clients name credentials"),
            (#"{"name": "a", "url": "http://u:p@a"}"#, "url: expected no user"),
            (#"{"name": "a", "url": "file:///etc/shadow"}"#, "url: expected"),
            (#"{"name": "a b", "url": "http://a"}"#, "name: expected 1 to 64"),
            (#"{"name": "a", "url": "http://a", "uri": "b"}"#, "unknown key \"uri\""),
            (#"["a"]"#, "expected keys and values"),
        ])
    func refused(_ json: String, _ reason: String) throws {
        let configuration = try configuration()
        #expect { try read(json, configuration) } throws: { "\($0)".contains(reason) }
    }

    @Test(
        "a credential goes to its own hosts alone, and nothing to a host that receivers leaves out",
        arguments: [
            ("https://hooks.example/a", "hook", ""), ("http://10.0.0.5:8080/a", "hook", ""),
            ("https://hooks.example.evil.example/a", "hook", "the credentials \"hook\" are for hooks.example"),
            ("http://hooks.example/a", "hook", "a credential goes by https or mqtts"),
            ("http://10.0.0.5/a", "hook", "are for hooks.example, 10.0.0.5:8080 alone"),
            ("https://other.example/a", nil, "receivers: {hosts: …} allows hooks.example, 10.0.0.5 alone"),
        ])
    func bound(_ url: String, _ token: String?, _ reason: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "hook")
        try "tk_secret".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        var configuration = try configuration("receivers: {hosts: [hooks.example, 10.0.0.5]}")
        configuration.credentials["hook"]?.file = file.path
        let named = token.map { ", \"token\": \"\($0)\"" } ?? ""
        let settings = try read("{\"name\": \"a\", \"url\": \"\(url)\"\(named)}", configuration)
        do throws(NotifyError) {
            _ = try NotifierTarget(settings)
            #expect(reason.isEmpty)
        } catch {
            #expect(!reason.isEmpty && error.description.contains(reason), "\(error)")
        }
    }

    @Test("a file that cannot be read is named by its credential, not by its path")
    func missing() throws {
        let settings = try read(
            #"{"name": "a", "url": "https://hooks.example/a", "token": "hook"}"#, configuration())
        #expect { try NotifierTarget(settings) } throws: {
            "\($0)".contains("token: the credentials \"hook\"") && !"\($0)".contains("/keys")
        }
    }

    @Test("of a broker the usual port counts, too")
    func ports() throws {
        let configuration = try configuration()
        let hosts = try #require(configuration.credentials["broker"]?.hosts)
        #expect(try hosts[0].matches(StrictURI("mqtts://broker.example")))
        #expect(try !hosts[0].matches(StrictURI("mqtt://broker.example")))
    }

    @Test(
        "an address that cannot be reached is refused at once, with a sentence that says where to allow it",
        arguments: [
            ("http://169.254.169.254/latest", "never connected to"), ("http://[fe80::1]/a", "never connected to"),
            ("http://224.0.0.1/a", "never connected to"),
            ("http://127.0.0.1:8787/api", "name it in the configuration, receivers: {addresses: [127.0.0.1]}"),
            ("http://10.1.2.3/a", "receivers: {addresses: [10.1.2.3]}"), ("http://192.168.1.5/a", ""),
            ("http://93.184.216.34/a", ""), ("http://localhost/a", ""),
        ])
    func reach(_ url: String, _ reason: String) throws {
        // A range that holds everything makes no link-local address a receiver.
        for range in ["192.168.1.5", "169.254.0.0/16"] {
            let allowed = try configuration("receivers: {addresses: [192.168.1.5, \(range)]}")
            let settings = try read("{\"name\": \"a\", \"url\": \"\(url)\"}", allowed)
            let prepared = try #require(try NotifyHub.prepare([settings]).first)
            #expect(reason.isEmpty ? prepared.refusal == nil : prepared.refusal?.contains(reason) == true)
        }
        // A name is looked at when it is connected to.
        let local = ReachRule([], of: .socket).choose([try #require(NetworkAddress("127.0.0.1"))], of: "localhost")
        #expect { try local.get() } throws: {
            "\($0)".contains("receivers: {addresses: [ADDRESS]}") && !"\($0)".contains("127.0.0.1")
        }
    }

    @Test("the section receivers is refused with line and key")
    func section() {
        for (text, reason) in [
            ("{addresses: [home]}", "addresses: expected an address"), ("{hosts: [\"a b\"]}", "hosts: expected a host"),
            ("{names: [a]}", "unknown key \"names\" in receivers"),
        ] {
            #expect { try Configuration(yaml: "receivers: \(text)", path: "w.yaml") } throws: {
                "\($0)".hasPrefix("w.yaml:1: ") && "\($0)".contains(reason)
            }
        }
    }
}
