/// A picture's file that cannot be used, and why; whoever knows its name puts that before it.
package struct PictureError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
