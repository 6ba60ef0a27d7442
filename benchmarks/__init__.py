"""What is measured: metric depth, camera, spatial questions and speed, each with its protocol stated."""
