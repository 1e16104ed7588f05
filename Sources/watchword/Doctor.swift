import ArgumentParser
import CLIP
import Commands
import Foundation
import Heads
import Ingest
import Tensors

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what Watchword needs on this machine, and say what to do about what is missing.")

    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: DaemonOptions

    private struct Check: Encodable {
        let name: String
        let ok: Bool
        let found: String
        let advice: String?
    }

    func run() async throws {
        var checks: [Check] = []
        func check(_ name: String, _ ok: Bool, _ found: String, _ advice: String? = nil) {
            checks.append(Check(name: name, ok: ok, found: found, advice: ok ? nil : advice))
        }
        do {
            try GStreamer.initialize()
            check("GStreamer", true, GStreamer.version)
        } catch {
            check("GStreamer", false, "\(error)", "install libgstreamer1.0-0")
        }
        for (element, package) in [
            ("uridecodebin", "gstreamer1.0-plugins-base"), ("videoconvert", "gstreamer1.0-plugins-base"),
            ("qtdemux", "gstreamer1.0-plugins-good"), ("rtspsrc", "gstreamer1.0-plugins-good"),
            ("v4l2src", "gstreamer1.0-plugins-good"), ("h264parse", "gstreamer1.0-plugins-bad"),
            ("hlsdemux", "gstreamer1.0-plugins-bad"), ("avdec_h264", "gstreamer1.0-libav"),
            ("avdec_mjpeg", "gstreamer1.0-libav"), ("jpegparse", "gstreamer1.0-plugins-bad"),
            ("gdkpixbufdec", "gstreamer1.0-plugins-good"),
        ] {
            let has = GStreamer.hasElement(element)
            check("element \(element)", has, has ? "present" : "missing", "apt-get install \(package)")
        }
        if GStreamer.hasElement("decodebin") {
            let problems = DecoderCheck.problems()
            check(
                "colours of decoders", problems.isEmpty, problems.isEmpty ? "right" : problems.joined(separator: "; "),
                "install what is named, and set no GST_PLUGIN_FEATURE_RANK for these")
        }
        check("oneDNN", true, "\(ComputeLibrary.oneDNNVersion), \(ComputeLibrary.instructionSet)")
        check("products", true, ComputeLibrary.units)
        do {
            let directory = try model.directory()
            _ = try directory.tokenizer()
            check("model", true, "\(directory.identity), \(directory.architecture.name)")
            for head in Set([directory.defaults.head, "mean"]).sorted() {
                do {
                    let library = try HeadFinder.standard().load(head)
                    check("head \(head)", true, library.path)
                } catch {
                    check("head \(head)", false, "\(error)", "set WATCHWORD_PLUGIN_PATH")
                }
            }
        } catch {
            check("model", false, "\(error)", "give a model directory with --model")
        }
        do {
            let status = try daemon.ask("status", timeout: 2)
            check("daemon", true, "answers at \(daemon.control), seq \(status["seq"]?.integer ?? 0)")
        } catch {
            // A daemon that does not run is no fault of the machine.
            check("daemon", true, "none answers at \(daemon.control)")
        }
        if daemon.json {
            try Terminal.say(json: checks)
        } else {
            Terminal.table(
                ["", "CHECK", "FOUND", "WHAT TO DO"],
                checks.map { [$0.ok ? "ok" : "NO", $0.name, $0.found, $0.advice ?? ""] })
        }
        if checks.contains(where: { !$0.ok }) { throw Exit.unavailable }
    }
}
