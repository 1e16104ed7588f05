/// A statement about a few frames of a generated scene, such as "a red circle moves left".
package struct Claim: Sendable, Equatable, Hashable {
    /// A statement about one object; it says nothing about properties that are nil.
    package struct Part: Sendable, Equatable, Hashable {
        package var shape: Shape?
        package var colour: Colour?
        package var size: Size?
        package var position: Position?
        package var action: Action?
        package var from: Colour?
        package var to: Colour?
        /// True if the object must be visible in at least half of the window's frames.
        package var isVisible = false

        package init() {}

        var saysNothing: Bool { shape == nil && colour == nil && size == nil }

        func truth(_ facts: Facts.Object) -> Truth {
            var truth = min(look(facts.shape, shape?.rawValue), look(facts.colour, colour?.rawValue))
            truth = min(truth, look(facts.size, size?.rawValue), look(facts.position, position?.rawValue))
            truth = min(truth, look(facts.action, action?.rawValue), look(facts.from, from?.rawValue))
            return min(truth, look(facts.to, to?.rawValue), look(facts.visible, isVisible ? 0 : nil))
        }

        private func look(_ table: [Truth], _ index: Int?) -> Truth { table[index ?? table.count - 1] }
    }

    package enum Kind: Sendable, Equatable, Hashable {
        case single(Part)
        case pair(Part, Part, Relation?)
        case scene(SceneState)
    }

    package var kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    /// Returns how true the claim is, given the facts about a window, in Kleene's three-valued logic.
    ///
    /// "And" is the minimum; "there is an object that" is the maximum over the objects.
    package func truth(_ facts: Facts) -> Truth {
        let (a, b) = (facts.objects[0], facts.objects[1])
        switch kind {
        case .single(let part): return max(part.truth(a), part.truth(b))
        case .pair(let one, let other, let relation):
            let either = max(min(one.truth(a), other.truth(b)), min(one.truth(b), other.truth(a)))
            return min(either, facts.relation[relation?.rawValue ?? Relation.allCases.count])
        case .scene(let state): return facts.state[state.rawValue]
        }
    }
}
