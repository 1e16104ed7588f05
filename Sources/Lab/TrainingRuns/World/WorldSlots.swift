import Training
import World

/// Converts claims and facts about generated scenes to the training targets of the auxiliary losses.
enum WorldSlots {
    /// The numbers of shapes and of colours that objects can have.
    static let kinds = (shapes: Shape.allCases.count, colours: Colour.allCases.count)
    /// The number of classes of each property that a caption can state (slot); the last class is "not stated".
    static let counts = [
        Shape.allCases.count + 1, Colour.allCases.count + 1, Size.allCases.count + 1, Position.allCases.count + 1,
        Action.allCases.count + 1, Relation.allCases.count + 1, SceneState.allCases.count + 1,
    ]
    static let tasks = HeadsModel.Tasks(
        kinds: kinds, actions: Action.allCases.count, states: Relation.allCases.count + SceneState.allCases.count,
        slots: counts)

    /// Returns a claim's class in every slot (a property that a caption can state).
    ///
    /// Nil for slots that do not count, such as shape and colour of a claim about two objects.
    static func said(_ claim: Claim) -> [Int?] {
        var slots: [Int?] = [nil, nil, nil, nil, nil, counts[5] - 1, counts[6] - 1]
        switch claim.kind {
        case .single(let part):
            let values = [
                part.shape?.rawValue, part.colour?.rawValue, part.size?.rawValue, part.position?.rawValue,
                part.action?.rawValue,
            ]
            for (slot, value) in values.enumerated() { slots[slot] = value ?? counts[slot] - 1 }
        case .pair(_, _, let relation): if let relation { slots[5] = relation.rawValue }
        case .scene(let state): slots[6] = state.rawValue
        }
        return slots
    }

    /// Returns true if a single frame can show whether the claim is true.
    static func isStanding(_ claim: Claim) -> Bool {
        switch claim.kind {
        case .single(let part): part.action == nil
        case .pair(_, _, let relation): relation == nil
        case .scene(let state): state == .empty || state == .dark
        }
    }

    /// Returns training examples for `ActionTask`: the actions of each object in a window.
    static func questions(_ facts: Facts, window: Int) -> [ActionQuestion] {
        facts.objects.compactMap { object in
            guard object.shape.last == 1, let shape = object.shape.dropLast().firstIndex(of: 1) else { return nil }
            let from = object.from.dropLast().firstIndex(of: 1)
            let colours = object.colour.dropLast()
            guard let colour = from ?? colours.indices.max(by: { colours[$0] < colours[$1] }) else { return nil }
            return ActionQuestion(
                window: window, shape: shape, colour: colour, actions: Array(object.action.dropLast()))
        }
    }

    /// Returns the truth of each relation between objects, then of each state of the scene, in a window.
    static func whole(_ facts: Facts) -> [Float] {
        Array(facts.relation.prefix(Relation.allCases.count)) + Array(facts.state.prefix(SceneState.allCases.count))
    }
}
