import Foundation
import TestSupport
import Testing

@Suite("The page in a browser", .serialized)
struct BrowserTests {
    @Test("a first visit leads to an event, survives a restart of the daemon, and every room is in order")
    func visit() async throws {
        try await Web.makeTools()
        let folder = FileManager.default.temporaryDirectory.appending(path: "b-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = Fixtures.repository.appending(path: "Tests/Page/browser.py").path
        let arguments = [script, Fixtures.plugins + "/watchwordd", folder.path, "\(try freePort())"]
        let said = try await Program(Web.toolsFolder + "/bin/python", arguments).rest()
        let steps = [
            "an empty daemon asks what should be watched", "an address that cannot be opened is refused by a sentence",
            "a stream is added, and seen live", "a sentence is scored before it stands", "it is added by the keyboard",
            "an event appears, with its picture", "the event is explained",
            "its curve is drawn, and told as a table", "what is read of an event stays while others come",
            "an event is marked wrong, and the mark is taken back", "a query is changed by what is edited alone",
            "a rule without its number is refused, and a dialog goes with its room",
            "a stream's name is taken once, and holds no part of an address that may be secret",
            "a search shows moments with their pictures",
            "more like one of them finds it first", "and so does more like an event",
            "a query's past shows pictures beside its threshold",
            "the pointer on a curve shows the picture of that time", "a lost connection says when it is tried again",
            "it comes back, and no event is missing", "a stream is changed, and keeps what was not asked for",
            "every room fits 360, 1280 and 2560 px, and axe finds nothing serious in light and dark",
            "a token of the role view signs in, and offers no change", "signing out ends the session",
        ]
        #expect(said.split(separator: "\n").map(String.init) == steps)
        try FileManager.default.removeItem(at: folder)
    }

    @Test("a camera's video and an event's clip are played")
    func video() async throws {
        try await Web.makeTools()
        let folder = FileManager.default.temporaryDirectory.appending(path: "v-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
        let gate = try await RTSPServer(["--file", film, "--loop"])
        let yard = try await RTSPServer([
            "--launch",
            "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! x265enc "
                + "speed-preset=ultrafast tune=zerolatency key-int-max=25 ! rtph265pay name=pay0 pt=96",
        ])
        let script = Fixtures.repository.appending(path: "Tests/Page/video.py").path
        let arguments = [
            script, Fixtures.plugins + "/watchwordd", folder.path, "\(try freePort())", gate.uri, yard.uri,
        ]
        let said = try await Program(Web.toolsFolder + "/bin/python", arguments).rest()
        #expect(
            said.split(separator: "\n").map(String.init) == [
                "a stream's video runs in the place of its previews", "H.265 stays on previews, and says so",
                "an event's clip is played by Enter, and seeks",
            ])
        gate.kill()
        yard.kill()
        try FileManager.default.removeItem(at: folder)
    }

    @Test("regions are edited with mouse and keyboard, and a source is tested before it is added")
    func regions() async throws {
        try await Web.makeTools()
        let folder = FileManager.default.temporaryDirectory.appending(path: "r-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
        let camera = try await RTSPServer(["--file", film, "--loop"])
        let script = Fixtures.repository.appending(path: "Tests/Page/regions.py").path
        let arguments = [
            script, Fixtures.plugins + "/watchwordd", folder.path, "\(try freePort())", camera.uri,
            "rtsp://127.0.0.1:\(try freePort())/x",
        ]
        let said = try await Program(Web.toolsFolder + "/bin/python", arguments).rest()
        #expect(
            said.split(separator: "\n").map(String.init) == [
                "a region is drawn with the mouse, named and saved", "it is moved, and sized by its corner",
                "keys move a region and change its size, and numbers place another",
                "escape ends editing without a change, and stays in the room",
                "an event of a region is shown on it, on the stream and on the wall",
                "a region is taken out, and the page says which query watched it",
                "a source is tested before it is added: its picture, or why there is none",
            ])
        camera.kill()
        try FileManager.default.removeItem(at: folder)
    }

    @Test("Firefox, too, goes from a first visit to an event, a camera's video and a restart of the daemon")
    func firefox() async throws {
        try await Web.makeTools()
        let folder = FileManager.default.temporaryDirectory.appending(path: "f-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
        let camera = try await RTSPServer(["--file", film, "--loop"])
        let script = Fixtures.repository.appending(path: "Tests/Page/firefox.py").path
        let arguments = [script, Fixtures.plugins + "/watchwordd", folder.path, "\(try freePort())", camera.uri]
        let said = try await Program(Web.toolsFolder + "/bin/python", arguments).rest()
        #expect(
            said.split(separator: "\n").map(String.init) == [
                "a stream is added, and seen live", "a query is added, and its event appears with its picture",
                "it is marked wrong, and a search shows moments", "a camera's video runs",
                "a restart of the daemon is survived",
            ])
        camera.kill()
        try FileManager.default.removeItem(at: folder)
    }
}
