import Checkpoints
import Foundation
import SystemSupport
import TestSupport
import Testing
import World

@Suite("The shapes world")
struct WorldTests {
    @Test("is drawn as the reference draws it, but for the softness of edges")
    func pictures() throws {
        let golden = try Fixtures.safetensors(Recording.folder.appending(path: "pictures.safetensors"))
        var compared = 0
        for scene in try Recording.load().scenes {
            for picture in scene.pictures {
                let expected = try golden.floats(picture.name, shape: [picture.height, picture.width, 3])
                let made = try scene.scene()
                let behind = made.background.picture(
                    width: picture.width, height: picture.height, margin: picture.margin)
                let drawn = made.draw(
                    at: picture.time, on: behind, width: picture.width, height: picture.height, margin: picture.margin)
                let errors = zip(drawn.pixels, expected).map { abs(Float($0) - $1) }
                let mean = errors.reduce(0, +) / Float(errors.count)
                #expect(mean < 0.4, "\(picture.name)")
                let nearEdges = edges(expected, picture.width, picture.height)
                let flat = errors.indices.filter { !nearEdges[$0 / 3] }.map { errors[$0] }
                #expect(flat.count > errors.count / 2)
                #expect((flat.max() ?? 256) <= 2, "\(picture.name): away from edges")
                #expect(errors.count { $0 > 64 } <= errors.count / 2000, "\(picture.name): at edges")
                compared += 1
            }
        }
        #expect(compared >= 20)
    }

    /// The pixels that have another colour within two pixels of them.
    private func edges(_ picture: [Float], _ width: Int, _ height: Int) -> [Bool] {
        var near = [Bool](repeating: false, count: width * height)
        for y in 0..<height {
            for x in 0..<width {
                for (dx, dy) in [(1, 0), (0, 1)] where x + dx < width && y + dy < height {
                    let (a, b) = ((y * width + x) * 3, ((y + dy) * width + x + dx) * 3)
                    guard (0..<3).contains(where: { abs(picture[a + $0] - picture[b + $0]) > 6 }) else { continue }
                    for v in max(0, y - 2)...min(height - 1, y + 3) {
                        for u in max(0, x - 2)...min(width - 1, x + 3) { near[v * width + u] = true }
                    }
                }
            }
        }
        return near
    }

    @Test("what is true of a window is what the reference says, as is how it is put in words")
    func truth() throws {
        var said = 0
        for (index, scene) in try Recording.load().scenes.enumerated() {
            let made = try scene.scene()
            for window in scene.windows {
                let facts = Facts(made, times: window.times)
                #expect(tables(facts) == window.facts.mapValues(\.rows), "scene \(index) at \(window.times[0])")
                for item in window.said {
                    let claim = Claim(numbers: item.predicate)
                    var captioner = Captioner.canonical
                    #expect(captioner.caption(claim) == item.caption)
                    #expect(claim.truth(facts) == item.truth, "\(item.caption)")
                    said += 1
                }
            }
        }
        #expect(said > 500)
    }

    private func tables(_ facts: Facts) -> [String: [[Float]]] {
        let objects = facts.objects
        return [
            "SH": objects.map(\.shape), "CO": objects.map(\.colour), "SZ": objects.map(\.size),
            "PO": objects.map(\.position), "AC": objects.map(\.action), "FR": objects.map(\.from),
            "TO": objects.map(\.to), "V": objects.map(\.visible), "R": [facts.relation], "S": [facts.state],
        ]
    }

    @Test("a seed determines a film to the last pixel, and another seed makes another film")
    func seeds() {
        func pixels(_ seed: UInt64) -> [[UInt8]] {
            var film = Film(seed: seed, width: 48, height: 36, fps: 5)
            return (0..<60).map { film.frame($0).pixels }
        }
        #expect(pixels(7) == pixels(7))
        #expect(pixels(7) != pixels(8))
    }

    @Test(
        "true events of a film lie in it, and each says something that its scene's facts bear out",
        arguments: [1, 2, 3, 4])
    func events(_ seed: UInt64) throws {
        let film = Film.finite(seed: seed, seconds: 120)
        let duration = try #require(film.duration)
        #expect(duration <= 124 && duration > 60)
        let kinds = Set(film.events.map(\.kind))
        #expect(kinds.isSuperset(of: ["empty", "appear", "present", "disappear"]))
        for event in film.events {
            #expect(0 <= event.start && event.start <= event.end && event.end <= duration + 0.04, "\(event)")
            #expect(!event.captions.isEmpty && event.captions.allSatisfy { !$0.isEmpty }, "\(event)")
            #expect(Set(event.captions).count == event.captions.count, "\(event)")
        }
        #expect(film.events.map(\.start) == film.events.map(\.start).sorted())
    }

    @Test("a scene is random in the proportions of the reference's")
    func proportions() {
        var random = SeededRandom(seed: 3)
        let scenes = (0..<4000).map { _ in Scene.random(&random) }
        func share(_ holds: (Scene) -> Bool) -> Double { Double(scenes.count(where: holds)) / Double(scenes.count) }
        // What `world.py` gives in 4000 scenes of its own.
        #expect(abs(share { $0.objects.isEmpty } - 0.044) < 0.02)
        #expect(abs(share { $0.objects.count == 2 } - 0.284) < 0.03)
        #expect(abs(share { !$0.lights.isEmpty } - 0.099) < 0.02)
        #expect(abs(share { $0.objects.contains { $0.move != nil } } - 0.472) < 0.03)
        #expect(abs(share { $0.objects.contains { $0.change != nil } } - 0.094) < 0.02)
        #expect(abs(share { $0.objects.contains { $0.spin != nil } } - 0.081) < 0.02)
        #expect(abs(share { $0.background.kind == .plain } - 0.246) < 0.03)
    }

    @Test("what is said of a window at random is true of it, and varied words are many")
    func saying() {
        var random = SeededRandom(seed: 9)
        var captioner = Captioner.varied(SeededRandom(seed: 10))
        var captions: Set<String> = []
        for _ in 0..<400 {
            let scene = Scene.random(&random)
            let start = scene.windowStart(span: 1.75, &random)
            let facts = Facts(scene, times: (0..<8).map { start + Double($0) / 4 })
            guard let claim = Claim.random(trueOf: facts, &random) else { continue }
            #expect(claim.truth(facts) == 1)
            captions.insert(captioner.caption(claim))
        }
        #expect(captions.count > 200)
    }
}
