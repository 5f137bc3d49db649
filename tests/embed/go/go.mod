// An agent that carries the controller, with nothing but the standard library.
module agent

go 1.26
