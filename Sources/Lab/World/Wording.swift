/// The phrases for the properties and events of generated scenes.
///
/// In each list, the first phrase is the canonical one. Repeated phrases are chosen more often.
enum Wording {
    static func shape(_ shape: Shape) -> [String] {
        switch shape {
        case .circle: [String](repeating: "circle", count: 4) + ["disc", "dot"]
        case .square: [String](repeating: "square", count: 4) + ["box"]
        case .cross: [String](repeating: "cross", count: 3) + ["plus sign"]
        case .ring: [String](repeating: "ring", count: 4) + ["donut"]
        case .triangle, .star, .heart: [shape.name]
        }
    }

    static func colour(_ colour: Colour) -> [String] {
        colour == .purple ? [String](repeating: "purple", count: 4) + ["violet"] : [colour.name]
    }

    static func size(_ size: Size) -> [String] {
        size == .small ? ["small", "small", "little", "tiny"] : ["big", "big", "large", "huge"]
    }

    static func position(_ position: Position) -> [String] {
        switch position {
        case .left: ["on the left", "on the left side", "at the left"]
        case .right: ["on the right", "on the right side", "at the right"]
        case .top: ["at the top", "in the upper part"]
        case .bottom: ["at the bottom", "in the lower part"]
        case .middle: ["in the middle", "in the centre", "in the center"]
        case .topLeft: ["in the top left corner", "at the top left"]
        case .topRight: ["in the top right corner", "at the top right"]
        case .bottomLeft: ["in the bottom left corner", "at the bottom left"]
        case .bottomRight: ["in the bottom right corner", "at the bottom right"]
        }
    }

    static func action(_ action: Action) -> [String] {
        switch action {
        case .moveLeft: sideways("left")
        case .moveRight: sideways("right")
        case .moveUp: upDown("up") + ["rises", "moves upwards"]
        case .moveDown: upDown("down") + ["falls", "moves downwards"]
        case .move: ["moves", "is moving", "moving around"]
        case .still:
            [
                "stays still", "is not moving", "standing still", "does not move", "stays in place", "is motionless",
            ]
        case .grow:
            ["grows", "is growing", "growing", "gets bigger", "getting bigger", "becomes larger", "expands"]
        case .shrink:
            ["shrinks", "is shrinking", "shrinking", "gets smaller", "getting smaller", "becomes smaller"]
        case .spin: ["spins", "is spinning", "spinning", "rotates", "is rotating", "rotating"]
        case .blink: ["blinks", "is blinking", "blinking", "flashes", "is flashing", "flickers"]
        case .appear: ["appears", "appears suddenly", "shows up", "comes into view", "pops up", "appearing"]
        case .disappear: ["disappears", "vanishes", "goes away", "disappearing", "disappears from view"]
        case .change: ["changes colour", "changes color", "changing colour", "changes its colour"]
        }
    }

    private static func sideways(_ way: String) -> [String] {
        [
            "moves \(way)", "moves to the \(way)", "moving \(way)", "moving to the \(way)", "slides \(way)",
            "sliding to the \(way)", "going \(way)", "is moving \(way)", "drifts to the \(way)", "goes to the \(way)",
        ]
    }

    private static func upDown(_ way: String) -> [String] {
        ["moves", "moving", "slides", "sliding", "going", "is moving", "drifts", "goes"].map { "\($0) \(way)" }
    }

    static func relation(_ relation: Relation) -> [String] {
        switch relation {
        case .meet:
            [
                "meet", "come together", "move towards each other", "moving towards each other", "approach each other",
            ]
        case .apart:
            ["move apart", "moving apart", "separate", "drift apart", "move away from each other"]
        }
    }

    static func state(_ state: SceneState) -> [String] {
        switch state {
        case .empty:
            ["an empty scene", "nothing in view", "there is nothing here", "an empty room", "an empty view"]
        case .lightsOut:
            ["the lights go out", "the light goes off", "it gets dark", "the lights are switched off"]
        case .lightsOn:
            ["the lights come on", "the light comes on", "the lights are switched on", "it becomes bright"]
        case .dark: ["a dark room", "the lights are off", "everything is dark"]
        }
    }
}
