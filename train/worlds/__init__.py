"""Procedural indoor and outdoor scenes with exact geometry and question-answer pairs.

`layout.sample_scene(seed)` -> `drawing.render.render([scene, ...])` -> `asking.questions.questions(scene, *maps)`;
`layout.sample_views(seed, count)` shows one world from several viewpoints.
`write.write_records(out, count)` does all of it and puts records on disk (`fathom worlds`).

    things, places    what a world is made of, and where things stand
    materials, people, pots, small_things   what is met indoors and outdoors
    indoors/          rooms, furniture                  outdoors/   streets, buildings, vehicles, trees
    layout            a scene from a seed
    lens, camera      what cameras take in, how they are held, and which view is worth taking
    drawing/          rays, light, materials, the camera's faults
    asking/           questions, their wordings and balance
"""
