import Foundation
import TestSupport
import World

/// Scenes of the original synthetic world in Python, recorded by `Tests/Fixtures/world/make.py`.
struct Recording: Decodable {
    let scenes: [RecordedScene]

    static func load() throws -> Recording {
        try Fixtures.json(Recording.self, folder.appending(path: "scenes.json"))
    }

    static let folder = Fixtures.repository.appending(path: "Tests/Fixtures/world")
}

struct RecordedScene: Decodable {
    struct Background: Decodable {
        let kind: Int
        let first, second: [Double]
        let angle, amplitude: Double
        let seed: UInt64
        let clouds: [Float]?
    }
    struct Change: Decodable {
        let time: Double
        let colour: Int
        let rgb: [Double]
    }
    struct Object: Decodable {
        let shape, colour: Int
        let rgb, place, visible: [Double]
        let radius, turn: Double
        let move, growth, spin, blink: [Double]?
        let change: Change?
    }
    struct Said: Decodable {
        let predicate: [Int]
        let truth: Float
        let caption: String
    }
    struct Window: Decodable {
        let times: [Double]
        let facts: [String: Table]
        let said: [Said]
    }
    struct Light: Decodable {
        let time: Double
        let on: Bool

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            time = try pair.decode(Double.self)
            on = try pair.decode(Bool.self)
        }
    }
    struct Picture: Decodable {
        let name: String
        let time, margin: Double
        let width, height: Int
    }
    /// A table of one row, or of one row for each object.
    struct Table: Decodable {
        let rows: [[Float]]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let row = try? value.decode([Float].self) {
                rows = [row]
            } else {
                rows = try value.decode([[Float]].self)
            }
        }
    }

    let background: Background
    let objects: [Object]
    let length, dark: Double
    let lights: [Light]
    let windows: [Window]
    let pictures: [Picture]

    func scene() throws -> Scene {
        func rgb(_ values: [Double]) -> RGB { RGB(values[0], values[1], values[2]) }
        guard let kind = World.Background.Kind(rawValue: background.kind) else { throw Unknown(what: "background") }
        var scene = Scene(
            background: World.Background(
                kind: kind, first: rgb(background.first), second: rgb(background.second), seed: background.seed,
                angle: background.angle, amplitude: background.amplitude, clouds: background.clouds), length: length)
        scene.dark = dark
        scene.lights = lights.map { ($0.time, $0.on) }
        scene.objects = try objects.map { object in
            guard let shape = Shape(rawValue: object.shape), let colour = Colour(rawValue: object.colour)
            else { throw Unknown(what: "object") }
            var made = SceneObject(
                shape: shape, colour: colour, rgb: rgb(object.rgb), radius: object.radius,
                place: Point(object.place[0], object.place[1]), turn: object.turn)
            made.visible = Phase(object.visible[0], object.visible[1])
            made.move = object.move.map { (Phase($0[0], $0[1]), Point($0[2], $0[3])) }
            made.growth = object.growth.map { (Phase($0[0], $0[1]), $0[2]) }
            made.spin = object.spin.map { (Phase($0[0], $0[1]), $0[2]) }
            made.blink = object.blink.map { (Phase($0[0], $0[1]), $0[2]) }
            if let change = object.change, let to = Colour(rawValue: change.colour) {
                made.change = (change.time, to, rgb(change.rgb))
            }
            return made
        }
        return scene
    }

    struct Unknown: Error {
        let what: String
    }
}

extension Claim {
    /// Reads a claim from the recording's numbers: two parts of eight numbers, a relation, a scene's state, the kind.
    init(numbers: [Int]) {
        func part(_ start: Int) -> Part {
            var part = Part()
            part.shape = Shape(rawValue: numbers[start])
            part.colour = Colour(rawValue: numbers[start + 1])
            part.size = Size(rawValue: numbers[start + 2])
            part.position = Position(rawValue: numbers[start + 3])
            part.action = Action(rawValue: numbers[start + 4])
            part.from = Colour(rawValue: numbers[start + 5])
            part.to = Colour(rawValue: numbers[start + 6])
            part.isVisible = numbers[start + 7] == 0
            return part
        }
        switch numbers[18] {
        case 0: self.init(.single(part(0)))
        case 1: self.init(.pair(part(0), part(8), Relation(rawValue: numbers[16])))
        default: self.init(.scene(SceneState(rawValue: numbers[17]) ?? .empty))
        }
    }
}
